# Paydesk: `make help` lists what can be asked for. Needs Python 3.11 or newer, git and make, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --warn-undefined-variables

PYTHON ?= python3
STAGE ?= dev
ARGS ?=

# Chalice reads a region even when it only packages; nothing is ever called there.
export AWS_DEFAULT_REGION ?= eu-central-1

VENV := .venv
MINISTACK := .venv-ministack
RUN := $(VENV)/bin/
LOCALES := chalicelib/messages/locales
CATALOGS := $(wildcard $(LOCALES)/*/LC_MESSAGES/paydesk.po)
COMPILED := $(CATALOGS:.po=.mo)
TEMPLATE := out/paydesk.pot
INSTALL := -m pip install --quiet --quiet --disable-pip-version-check

.PHONY: help
help: ## List these targets
	@echo "Paydesk. Say one of:"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-17s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: venv messages ## Start the whole desk on this machine, with demo data (ARGS="--port 8001" is passed on)
	@exec $(RUN)python -m local $(ARGS)

.PHONY: demo
demo: venv messages ## Run a billing administrator's story and print each request and answer
	@exec $(RUN)python -m local.demo $(ARGS)

.PHONY: test
test: venv ministack messages ## Run the tests (ARGS="tests/payments -x" is passed on to pytest)
	@$(RUN)python -m pytest $(ARGS)

.PHONY: check
check: venv messages lint types layers template hosts ## Everything CI looks at beside the tests

.PHONY: lint
lint: venv ## Lint and look at the format (ruff)
	@echo "ruff: rules"; $(RUN)ruff check .
	@echo "ruff: format"; $(RUN)ruff format --check .

.PHONY: format
format: venv ## Format the code and mend what ruff can mend
	@$(RUN)ruff check --fix-only --quiet . ; $(RUN)ruff format .

.PHONY: types
types: venv ## Check the types (mypy, strict)
	@echo "mypy: strict"; $(RUN)mypy

.PHONY: layers
layers: venv ## Check that dependencies point one way (import-linter)
	@echo "import-linter: rooms and layers"; $(RUN)lint-imports

.PHONY: venv
venv: $(VENV)/.installed

.PHONY: ministack
ministack: $(MINISTACK)/.installed ## Install the second DynamoDB engine, which the tests use

.PHONY: python-version
python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Paydesk needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true). Say which to use: make PYTHON=/path/to/python3.11" >&2; exit 1; }

$(VENV)/.installed: requirements.txt requirements-dev.txt constraints.txt | python-version
	@echo "Installing packages, about a minute the first time ..."
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)python $(INSTALL) -r requirements-dev.txt
	@touch $@

$(MINISTACK)/.installed: requirements-ministack.txt constraints-ministack.txt | python-version
	@echo "Installing MiniStack, the second DynamoDB engine, some seconds the first time ..."
	@$(PYTHON) -m venv $(MINISTACK)
	@$(MINISTACK)/bin/python $(INSTALL) -r requirements-ministack.txt
	@touch $@

.PHONY: messages
messages: $(COMPILED) ## Compile the message catalogues

%.mo: %.po | venv
	@$(RUN)pybabel --quiet compile --input-file $< --output-file $@

.PHONY: messages-update
messages-update: venv ## Gather new sentences from the code into the message catalogues
	@mkdir -p out
	@$(RUN)pybabel --quiet extract --sort-by-file --no-location --omit-header --output-file $(TEMPLATE) app.py chalicelib
	@$(RUN)pybabel update --no-fuzzy-matching --omit-header --domain paydesk --input-file $(TEMPLATE) --output-dir $(LOCALES)

.PHONY: clean
clean: ## Remove everything that make made
	@rm -rf $(VENV) $(MINISTACK) out .local .chalice/deployments .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(COMPILED)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
