"""What `make package` makes, once for each stage; and a stack whose calls to AWS are written down."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import boto3
import pytest
from chalice.app import Chalice

from local.stage import REPOSITORY
from tests.infra.permissions import Notebook
from tests.support.engines import Engine
from tests.support.stack import Stack, stack_on
from tests.support.tokens import Tokens

STAGES = ("dev", "prod")


@dataclass(frozen=True)
class Package:
    """One stage as it would be deployed."""

    stage: str
    folder: Path
    template: dict[str, Any]

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        resources: dict[str, dict[str, Any]] = self.template["Resources"]
        return resources

    def of_kind(self, kind: str) -> dict[str, dict[str, Any]]:
        """Logical id -> resource, of every resource of one CloudFormation type."""
        return {name: resource for name, resource in self.resources.items() if resource.get("Type") == kind}

    def properties(self, name: str) -> dict[str, Any]:
        properties: dict[str, Any] = self.resources[name]["Properties"]
        return properties

    def code(self) -> list[str]:
        """The files of the functions' archive."""
        return [entry.filename for entry in _entries(self.folder / "deployment.zip")]

    def libraries(self) -> list[str]:
        """The files of the layer beside it, without the folders that all stand in."""
        folder = f"python/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages/"
        return [entry.filename.removeprefix(folder) for entry in _entries(self.folder / "layer-deployment.zip")]

    def unpacked_bytes(self) -> int:
        archives = (self.folder / "deployment.zip", self.folder / "layer-deployment.zip")
        return sum(entry.file_size for archive in archives for entry in _entries(archive))


@pytest.fixture(scope="session")
def packages(testrun_uid: str) -> dict[str, Package]:
    """The package of each stage, made by the command of the README: 15 s the first time, then 1.5 s each.

    Needs the package registry the first time only: Chalice keeps the layer it made. Of the processes that share the
    tests the first makes them for all.
    """
    out = REPOSITORY / "out"
    out.mkdir(exist_ok=True)
    with (out / "packages-of-tests").open("a+") as made_for:
        fcntl.flock(made_for, fcntl.LOCK_EX)
        made_for.seek(0)
        if made_for.read() != testrun_uid:
            for stage in STAGES:
                _make_package(stage)
            made_for.truncate(0)
            made_for.write(testrun_uid)
    return {stage: _package(stage) for stage in STAGES}


@pytest.fixture(params=STAGES)
def package(packages: dict[str, Package], request: pytest.FixtureRequest) -> Package:
    """Each stage's package in turn."""
    return packages[request.param]


def _entries(path: Path) -> list[ZipInfo]:
    with ZipFile(path) as archive:
        return archive.infolist()


def _make_package(stage: str) -> None:
    # A make inside `make test` would take over the outer one's flags and job server.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    made = subprocess.run(
        ["make", "package", f"STAGE={stage}"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, f"make package STAGE={stage} failed:\n{made.stdout}{made.stderr}"


def _package(stage: str) -> Package:
    folder = REPOSITORY / "out" / f"package-{stage}"
    return Package(stage, folder, json.loads((folder / "sam.json").read_text()))


@pytest.fixture
def notebook() -> Iterator[Notebook]:
    notebook = Notebook()
    boto3.setup_default_session()
    assert boto3.DEFAULT_SESSION is not None
    events = boto3.DEFAULT_SESSION.events
    events.register("provide-client-params.dynamodb", notebook.write_down)
    events.register("provide-client-params.sqs", notebook.write_down_sending)
    yield notebook
    events.unregister("provide-client-params.dynamodb", notebook.write_down)
    events.unregister("provide-client-params.sqs", notebook.write_down_sending)


@pytest.fixture
def stack(notebook: Notebook, moto: Engine, app: Chalice, tokens: Tokens) -> Iterator[Stack]:
    with stack_on(moto, app, tokens) as made:
        yield made
