"""What `make package` makes, once for each stage."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import ZipFile

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

    def files(self) -> list[str]:
        """What the function's archive holds."""
        with ZipFile(self.folder / "deployment.zip") as archive:
            return archive.namelist()


@pytest.fixture(scope="session")
def packages() -> dict[str, Package]:
    """The package of each stage, made by the command of the README: 15 s the first time, then 1 s each.

    Needs the package registry the first time only: Chalice keeps what it installed for Lambda in .chalice/deployments.
    """
    return {stage: _package(stage) for stage in STAGES}


@pytest.fixture(params=STAGES)
def package(packages: dict[str, Package], request: pytest.FixtureRequest) -> Package:
    """Each stage's package in turn."""
    return packages[request.param]


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
