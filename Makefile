# Paydesk: `make help` lists what can be asked for. Needs Python 3.11 or newer, git and make, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory --warn-undefined-variables

PYTHON ?= python3
STAGE ?= dev
ARGS ?=
LANGUAGE ?=
SEEDS ?= 2000
FROM ?= 1
QUICK ?=
REQUESTS ?= 5000

# Chalice reads a region even when it only packages; nothing is ever called there.
export AWS_DEFAULT_REGION ?= eu-central-1

VENV := .venv
MINISTACK := .venv-ministack
LOCALSTRIPE := .venv-localstripe
FUZZ := .venv-fuzz
RUN := $(VENV)/bin/
LOCALES := chalicelib/messages/locales
CATALOGS := $(wildcard $(LOCALES)/*/LC_MESSAGES/paydesk.po)
COMPILED := $(CATALOGS:.po=.mo)
MESSAGES_TEMPLATE := out/paydesk.pot
UPDATE := --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
  --domain paydesk --input-file $(MESSAGES_TEMPLATE) --output-dir $(LOCALES)
BUILD := out/build
DEPLOYMENTS := $(BUILD)/.chalice/deployments
# Chalice requires these, so they end up in the package and are held fast as well. It does not take every pip.
SHIPPED_TOOLS := 'pip<26.3' setuptools wheel
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
test: venv ministack messages ## Run the tests, on up to four cores (ARGS="tests/payments -x" is passed on to pytest)
	@$(RUN)python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

.PHONY: simulate
simulate: venv ## Play histories in which everything goes wrong (SEEDS=100000 FROM=1; ARGS="--replay 7" tells one)
	@$(RUN)python -m tests.simulation --seeds $(SEEDS) --from $(FROM) $(ARGS)

.PHONY: simulate-stores
simulate-stores: venv ministack ## Play 200 of them on two DynamoDB engines too: they must end as in memory
	@for engine in moto ministack; do echo "on $$engine"; $(RUN)python -m tests.simulation.real_stores $$engine $(ARGS); done

.PHONY: kills
kills: venv ministack ## Kill 500 processes while they pay and compare the books (ARGS="100 --seed 7")
	@exec $(RUN)python -m tests.proof.kills $(ARGS)

.PHONY: mutate
mutate: venv ministack messages ## Take every guard out in turn: a test must notice (ARGS="paying --jobs 2", ARGS=--resume)
	@exec $(RUN)python -m tests.mutation $(ARGS)

.PHONY: bench
bench: venv ministack localstripe messages ## Measure Paydesk and print a table (QUICK=1 for small sizes; ARGS="--only pay cold")
	@$(RUN)python -m bench $(if $(QUICK),--quick) $(ARGS)

.PHONY: fuzz
fuzz: venv messages $(FUZZ)/.installed ## Send a local stack requests nobody would think of (REQUESTS=5000)
	@$(RUN)python -m tests.fuzz.run --requests $(REQUESTS) $(ARGS)

.PHONY: check
check: venv messages lint types layers messages-check hosts template ## Everything CI looks at beside the tests

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
	@echo "import-linter: rooms and layers"; $(RUN)lint-imports --no-logo

.PHONY: template
template: ## Package both stages and lint their CloudFormation templates
	@$(MAKE) package STAGE=dev
	@$(MAKE) package STAGE=prod
	@echo "cfn-lint: packaged templates"; $(RUN)cfn-lint out/package-dev/sam.json out/package-prod/sam.json

# Written with brackets so that this line does not find itself.
REGISTRIES := pypi\.or[g]|pythonhoste[d]|npmjs\.or[g]|npmjs\.co[m]|deb\.debia[n]|/opt/pyp[i]

.PHONY: hosts
hosts: ## Check that no file names a package registry
	@echo "git grep: package registries"
	@if git grep --untracked -nIE '$(REGISTRIES)'; then \
	  echo "A file names a package registry. Which one to use is each machine's own setting: take the name out." >&2; exit 1; fi

# The template's parameter is fixed to the stage packaged, or a prod package could be deployed onto dev's tables.
FIX_STAGE := import json, sys; template = json.load(sys.stdin); stage = sys.argv[1]; \
  template["Parameters"]["Stage"].update(Default=stage, AllowedValues=[stage]); json.dump(template, sys.stdout, indent=2)

.PHONY: package
package: venv messages $(DEPLOYMENTS)/.requirements ## Make out/package-STAGE for CloudFormation (STAGE=dev or prod)
	@case "$(STAGE)" in dev|prod) ;; *) echo "STAGE is dev or prod, not '$(STAGE)'." >&2; exit 1;; esac
	@echo "Packaging stage $(STAGE) into out/package-$(STAGE), a quarter of a minute the first time ..."
	@# From a copy: what Python compiled here in passing has no place in the archive.
	@rm -rf $(BUILD)/app.py $(BUILD)/chalicelib
	@tar -cf - --exclude __pycache__ --exclude .chalice/deployments app.py chalicelib requirements.txt constraints.txt .chalice | tar -xf - -C $(BUILD)
	@$(RUN)python -c '$(FIX_STAGE)' $(STAGE) < .chalice/resources.json > $(BUILD)/resources.json
	@cd $(BUILD) && PYTHONDONTWRITEBYTECODE=1 $(CURDIR)/$(RUN)chalice package --stage $(STAGE) \
	  --merge-template resources.json $(CURDIR)/out/package-$(STAGE)

# Chalice keeps the layer of packages, and looks only at requirements.txt to tell whether it still fits.
$(DEPLOYMENTS)/.requirements: requirements.txt constraints.txt
	@rm -rf $(DEPLOYMENTS) && mkdir -p $(DEPLOYMENTS) && touch $@

# Each in an environment of its own: their packages do not go together with Paydesk's.
OWN := ministack localstripe fuzz

.PHONY: constraints
constraints: ## Remake constraints*.txt from what the requirements bring along today
	$(right_python)
	@echo "Installing the requirements without constraints, about two minutes ..."
	@rm -rf out/constraints && mkdir -p out/constraints
	@sed '/^-[cr] /d' requirements.txt requirements-dev.txt > out/constraints/paydesk.txt
	@$(PYTHON) -m venv out/constraints/venv
	@for name in $(OWN); do \
	  sed '/^-[cr] /d' requirements-$$name.txt > out/constraints/$$name.txt; $(PYTHON) -m venv out/constraints/venv-$$name; done
	@out/constraints/venv/bin/python $(INSTALL) --upgrade -r out/constraints/paydesk.txt $(SHIPPED_TOOLS)
	@for name in $(OWN); do out/constraints/venv-$$name/bin/python $(INSTALL) -r out/constraints/$$name.txt; done
	@{ sed -n '/^#/p' constraints.txt; out/constraints/venv/bin/python -m pip freeze --all; } > out/constraints/new.txt
	@mv out/constraints/new.txt constraints.txt
	@for name in $(OWN); do \
	  { sed -n '/^#/p' constraints-$$name.txt; out/constraints/venv-$$name/bin/python -m pip freeze; } > out/constraints/new.txt; \
	  mv out/constraints/new.txt constraints-$$name.txt; done

.PHONY: venv
venv: $(VENV)/.installed

.PHONY: ministack
ministack: $(MINISTACK)/.installed ## Install the second DynamoDB engine, which the tests use

.PHONY: localstripe
localstripe: $(LOCALSTRIPE)/.installed ## Install a fake Stripe, which the bench compares paying with

define right_python
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
	  echo "Paydesk needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Say which Python to use: make PYTHON=/path/to/python3.11" >&2; exit 1; }
endef

$(VENV)/.installed: requirements.txt requirements-dev.txt constraints.txt
	$(right_python)
	@echo "Installing packages, one to three minutes the first time ..."
	@$(PYTHON) -m venv $(VENV)
	@$(RUN)python $(INSTALL) -r requirements-dev.txt
	@touch $@

$(MINISTACK)/.installed: requirements-ministack.txt constraints-ministack.txt
	$(right_python)
	@echo "Installing MiniStack, the second DynamoDB engine, some seconds the first time ..."
	@$(PYTHON) -m venv $(MINISTACK)
	@$(MINISTACK)/bin/python $(INSTALL) -r requirements-ministack.txt
	@touch $@

$(LOCALSTRIPE)/.installed: requirements-localstripe.txt constraints-localstripe.txt
	$(right_python)
	@echo "Installing localstripe, a fake Stripe, some seconds the first time ..."
	@$(PYTHON) -m venv $(LOCALSTRIPE)
	@$(LOCALSTRIPE)/bin/python $(INSTALL) -r requirements-localstripe.txt
	@touch $@

$(FUZZ)/.installed: requirements-fuzz.txt constraints-fuzz.txt
	$(right_python)
	@echo "Installing schemathesis, some seconds the first time ..."
	@$(PYTHON) -m venv $(FUZZ)
	@$(FUZZ)/bin/python $(INSTALL) -r requirements-fuzz.txt
	@touch $@

.PHONY: messages
messages: $(COMPILED) ## Compile the message catalogues

%.mo: %.po | venv
	@$(RUN)pybabel --quiet compile --input-file $< --output-file $@

$(MESSAGES_TEMPLATE): $(shell find chalicelib -name '*.py') | venv
	@mkdir -p $(@D)
	@$(RUN)pybabel --quiet extract --sort-by-file --no-location --project Paydesk --output-file $@ chalicelib

.PHONY: messages-update
messages-update: $(MESSAGES_TEMPLATE) ## Gather new sentences from the code into the message catalogues
	@$(RUN)pybabel update $(UPDATE)

.PHONY: messages-check
messages-check: $(MESSAGES_TEMPLATE) ## Check that the message catalogues know every sentence of the code
	@echo "pybabel: message catalogues"; $(RUN)pybabel --quiet update --check $(UPDATE) || { \
	  echo "The code says sentences that a catalogue does not know: make messages-update, then translate them." >&2; exit 1; }

.PHONY: messages-new
messages-new: $(MESSAGES_TEMPLATE) ## Begin the catalogue of one more language (LANGUAGE=fr)
	@[ "$(LANGUAGE)" ] || { echo "Say which language: make messages-new LANGUAGE=fr" >&2; exit 1; }
	@$(RUN)pybabel init --domain paydesk --input-file $(MESSAGES_TEMPLATE) --output-dir $(LOCALES) --locale $(LANGUAGE)

.PHONY: clean
clean: ## Remove everything that make made
	@rm -rf $(VENV) $(MINISTACK) $(LOCALSTRIPE) $(FUZZ) out .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache $(COMPILED)
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
