"""What `make package` makes, once for each stage."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import pytest

from local.stage import REPOSITORY

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
def packages() -> dict[str, Package]:
    """The package of each stage, made by the command of the README: 15 s the first time, then 1.5 s each.

    Needs the package registry the first time only: Chalice keeps the layer it made.
    """
    return {stage: _package(stage) for stage in STAGES}


@pytest.fixture(params=STAGES)
def package(packages: dict[str, Package], request: pytest.FixtureRequest) -> Package:
    """Each stage's package in turn."""
    return packages[request.param]


def _entries(path: Path) -> list[ZipInfo]:
    with ZipFile(path) as archive:
        return archive.infolist()


def _package(stage: str) -> Package:
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
    folder = REPOSITORY / "out" / f"package-{stage}"
    return Package(stage, folder, json.loads((folder / "sam.json").read_text()))
