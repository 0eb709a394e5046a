"""What is deployed: the template Chalice and `.chalice/resources.json` make together, and the archive of the functions.

Why memory and time are what they are (`.chalice/config.json` holds no comments):
- api_handler 1024 MB: a Lambda's processor grows with its memory; with less, importing pydantic and boto3 makes a cold
  start of seconds. 29 s: API Gateway hangs up then, so that more would be paid for and answer nobody.
- authorize 1024 MB: it imports the same app, and cryptography on top. 10 s: it reads keys over the network once, and
  while it waits a person waits.
- start_* 512 MB, 30 s: they send a few messages and nobody waits for them.
- work 1024 MB, 300 s: a worker waits for gateways most of the time; what it does not finish it sends on as a new
  message, so more time would only make a run that goes wrong last longer.
Logs stay 30 days in dev and 400 in prod: a year's billing can be traced at the next year's close.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib import settings
from tests.infra.conftest import Package

CFN_LINT = Path(sys.executable).with_name("cfn-lint")
LAMBDA_UNPACKED_BYTES_MAX = 250 * 1024 * 1024
STARTS = ("StartAutopay", "StartReconcile", "StartOverdue", "StartRenewals")
SECONDS = {"APIHandler": 29, "Authorize": 10, **dict.fromkeys(STARTS, 30), "Work": 300}
"""How long each function may run."""


def test_cfn_lint_finds_nothing(package: Package) -> None:
    linted = subprocess.run([CFN_LINT, package.folder / "sam.json"], capture_output=True, text=True, check=False)

    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_a_package_can_be_deployed_as_its_own_stage_only(package: Package) -> None:
    parameter = package.template["Parameters"]["Stage"]

    assert (parameter["Default"], parameter["AllowedValues"]) == (package.stage, [package.stage])


def test_every_function_starts_in_app_py_where_its_settings_and_handlers_are_set_up(package: Package) -> None:
    functions = package.of_kind("AWS::Serverless::Function")

    assert functions.keys() == SECONDS.keys()
    for name, function in functions.items():
        assert function["Properties"]["Handler"].startswith("app."), name


def test_merging_made_no_function_of_a_resource_and_no_resource_of_a_function(package: Package) -> None:
    for name, resource in package.resources.items():
        assert "Type" in resource, f"{name} is merged into something that Chalice does not make"
        assert ("Handler" in resource.get("Properties", {})) == (resource["Type"] == "AWS::Serverless::Function"), name


def test_nobody_talks_to_the_api_below_tls_1_2(package: Package) -> None:
    """API Gateway's own default for a regional API takes TLS 1.0."""
    api = package.properties("RestAPI")

    assert api["SecurityPolicy"] == "SecurityPolicy_TLS13_1_2_2021_06"
    assert api["EndpointAccessMode"] == "STRICT"


def test_the_api_takes_no_flood(package: Package) -> None:
    (settings_of_all_methods,) = package.properties("RestAPI")["MethodSettings"]

    assert (settings_of_all_methods["ResourcePath"], settings_of_all_methods["HttpMethod"]) == ("/*", "*")
    assert settings_of_all_methods["ThrottlingRateLimit"] == 1000
    assert settings_of_all_methods["ThrottlingBurstLimit"] == 2000


def test_every_function_states_its_memory_time_and_the_retention_of_its_log(package: Package) -> None:
    for name, function in package.of_kind("AWS::Serverless::Function").items():
        assert function["Properties"]["MemorySize"] > 128, f"{name} has the default"
        assert function["Properties"]["Timeout"] == SECONDS[name]
    retained = package.of_kind("AWS::Logs::LogGroup").values()
    assert len(retained) == len(package.of_kind("AWS::Serverless::Function"))
    assert all(log["Properties"]["RetentionInDays"] for log in retained)


def test_every_log_group_is_named_after_a_function_that_is_there(package: Package) -> None:
    """Chalice alone names the API's log group after a function that it renames afterwards."""
    for name, log in package.of_kind("AWS::Logs::LogGroup").items():
        function = log["Properties"]["LogGroupName"]["Fn::Sub"].removeprefix("/aws/lambda/${").removesuffix("}")
        assert package.resources[function]["Type"] == "AWS::Serverless::Function", name


def test_dev_starts_with_the_environment_it_is_deployed_with(packages: dict[str, Package]) -> None:
    found = settings.load(_environment(packages["dev"], "APIHandler"))

    assert (found.stage, found.table_prefix, found.gateway) == ("dev", "paydesk-dev-", "sandbox")


def test_every_setting_stands_in_the_stage_and_is_not_left_to_a_default(packages: dict[str, Package]) -> None:
    stated = _environment(packages["dev"], "APIHandler")

    assert settings.variables().keys() == {name for name in stated if name.startswith(settings.PREFIX)}


def test_prod_lacks_nothing_but_its_payment_gateway(packages: dict[str, Package]) -> None:
    """Which gateway takes real money is for whoever deploys to say; the sandbox is no default for that."""
    with pytest.raises(settings.SettingsError) as refused:
        settings.load(_environment(packages["prod"], "APIHandler"))

    (problem,) = refused.value.problems
    assert problem.startswith("PAYDESK_GATEWAY is missing")


def test_every_function_knows_the_user_pool_of_its_own_stack(package: Package) -> None:
    for name in package.of_kind("AWS::Serverless::Function"):
        variables = package.properties(name)["Environment"]["Variables"]
        assert variables["PAYDESK_TOKEN_ISSUER"] == {"Fn::GetAtt": ["UserPool", "ProviderURL"]}
        assert variables["PAYDESK_TOKEN_AUDIENCE"] == {"Ref": "UserPoolClient"}
        assert variables["PAYDESK_TOKEN_JWKS_URL"] == {"Fn::Sub": "${UserPool.ProviderURL}/.well-known/jwks.json"}


def test_the_archive_holds_the_app_with_its_sentences_and_neither_tests_nor_the_local_stack(package: Package) -> None:
    files = package.code()

    assert {name.split("/")[0] for name in files} == {"app.py", "chalice", "chalicelib"}
    assert "chalicelib/settings.py" in files
    assert "chalicelib/messages/locales/de/LC_MESSAGES/paydesk.mo" in files
    assert not [name for name in files if "__pycache__" in name]


def test_the_layer_holds_what_the_app_imports_built_for_lambda(package: Package) -> None:
    files = package.libraries()
    libraries = {name.split("/")[0] for name in files}

    assert {"boto3", "pydantic", "aws_lambda_powertools", "jwt", "cryptography", "tzdata"} <= libraries
    assert libraries.isdisjoint({"babel", "hypothesis", "moto", "mypy", "pytest"})
    compiled = {name.split("/")[0] for name in files if name.endswith(".so")}
    assert {"pydantic_core", "cryptography"} <= compiled


def test_code_and_layer_fit_into_a_lambda_function(package: Package) -> None:
    assert package.unpacked_bytes() < LAMBDA_UNPACKED_BYTES_MAX


def _environment(package: Package, function: str) -> dict[str, str]:
    """The function's environment, with something in place of what CloudFormation works out."""
    variables = package.properties(function)["Environment"]["Variables"]
    return {
        name: value if isinstance(value, str) else "https://worked-out.example.com/by-cloudformation"
        for name, value in variables.items()
    }
