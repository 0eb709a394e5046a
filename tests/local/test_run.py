import json
import re
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from local import aws
from local.web import HOST
from tests.local.running import Running, environment, running

# --- what it leaves for others to find it by


def test_the_file_says_where_everything_is_and_who_there_is(running_stack: Running) -> None:
    described = running_stack.described
    assert set(described) == {"api_url", "aws_endpoint_url", "users"}
    assert all(set(user) == {"email", "password", "roles", "account_ids", "token"} for user in described["users"])
    assert {role for user in described["users"] for role in user["roles"]} == {
        "billing_viewer",
        "billing_admin",
        "operator",
    }
    assert described["api_url"] in running_stack.printed
    assert described["aws_endpoint_url"] in running_stack.printed
    for user in described["users"]:
        assert user["email"] in running_stack.printed
        assert user["password"] in running_stack.printed


def test_the_file_is_for_its_owner_only(running_stack: Running) -> None:
    for file in (running_stack.stack_file, running_stack.stack_file.with_name("desk.sh")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_everybody_can_sign_in_with_the_printed_password(running_stack: Running) -> None:
    described = running_stack.described
    client = aws.cognito(described["aws_endpoint_url"])
    pool = client.list_user_pools(MaxResults=1)["UserPools"][0]["Id"]
    client_id = client.list_user_pool_clients(UserPoolId=pool)["UserPoolClients"][0]["ClientId"]
    for user in described["users"]:
        answer = client.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            ClientId=client_id,
            AuthParameters={"USERNAME": user["email"], "PASSWORD": user["password"]},
        )
        assert running_stack.send("GET", "/v1/accounts", token=answer["AuthenticationResult"]["IdToken"])[0] == 200


def test_each_token_reaches_the_accounts_it_names_and_no_other(running_stack: Running) -> None:
    admin, viewer, operator = (running_stack.user(role) for role in ("billing_admin", "billing_viewer", "operator"))
    for user in (admin, viewer):
        _, accounts = running_stack.send("GET", "/v1/accounts", token=user["token"])
        assert {account["account_id"] for account in accounts["items"]} == set(user["account_ids"])
    not_the_viewers = (set(admin["account_ids"]) - set(viewer["account_ids"])).pop()
    assert running_stack.send("GET", f"/v1/accounts/{not_the_viewers}", token=viewer["token"])[0] == 404
    assert running_stack.send("GET", f"/v1/accounts/{not_the_viewers}", token=operator["token"])[0] == 200
    assert running_stack.send("GET", "/v1/accounts")[0] == 401


def test_one_demo_customer_is_suspended_one_pays_in_another_currency_one_leaves_it_to_autopay(
    running_stack: Running,
) -> None:
    _, accounts = running_stack.send("GET", "/v1/accounts", token=running_stack.user("billing_viewer")["token"])
    (behind,) = accounts["items"]
    token = running_stack.user("billing_admin")["token"]
    _, accounts = running_stack.send("GET", "/v1/accounts", token=token)
    others = [account for account in accounts["items"] if account["account_id"] != behind["account_id"]]
    assert sorted(account["balance"]["currency"] for account in others) == ["JPY", "NOK"]
    for other in others:
        assert other["services"]["status"] == "active"
        assert other["balance"]["payable_minor"] > 0
    (automatic,) = (account["account_id"] for account in others if account["balance"]["currency"] == "NOK")
    _, forecast = running_stack.send("GET", f"/v1/accounts/{automatic}/autopay/forecast", token=token)
    assert (forecast["autopay_enabled"], forecast["health"]) == (True, "ok")
    assert [charge["amount_minor"] for charge in forecast["charges"]] == [149_000]
    _, subscriptions = running_stack.send("GET", f"/v1/accounts/{automatic}/subscriptions", token=token)
    assert [(one["interval"], one["status"]) for one in subscriptions["items"]] == [("monthly", "active")]


def test_what_happened_to_a_demo_customer_stands_in_its_log_in_the_order_of_time(running_stack: Running) -> None:
    admin = running_stack.user("billing_admin")
    for account_id in admin["account_ids"]:
        _, log = running_stack.send("GET", f"/v1/accounts/{account_id}/activity", token=admin["token"])
        moments = [entry["at"] for entry in log["items"]]
        assert moments == sorted(moments, reverse=True)
        assert len(moments) > 1


# --- the commands it prints


def test_the_printed_curl_commands_work_as_pasted(running_stack: Running, tmp_path: Path) -> None:
    lines = [line.strip() for line in running_stack.printed.splitlines()]
    commands = [line for line in lines if line.startswith((". ", "curl "))]
    assert [command.split()[0] for command in commands] == [".", "curl", "curl", "curl"]
    done = subprocess.run(
        ["bash", "-ec", "\n".join(commands)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    account, card, payment = answers
    assert account["services"]["status"] == "suspended"
    assert account["balance"]["overdue_minor"] > 0
    assert card["is_default"] is True
    assert payment["status"] == "succeeded"
    assert payment["amount_minor"] == account["balance"]["payable_minor"]
    admin = running_stack.user("billing_admin")
    _, after = running_stack.send("GET", f"/v1/accounts/{account['account_id']}", token=admin["token"])
    assert after["services"]["status"] == "active"
    assert after["balance"]["payable_minor"] == 0


# --- how it ends and how it does not begin


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quietly_and_leaves_no_address_behind(tmp_path: Path, with_signal: int) -> None:
    with running(tmp_path, "--no-demo") as stack:
        stack.send("GET", "/health")
        code, said, errors = stack.stop(with_signal)
    assert (code, errors) == (0, "")
    assert said.rstrip().endswith("Stopped.")
    assert sorted(path.name for path in stack.stack_file.parent.iterdir()) == ["paydesk.log"]


@pytest.mark.parametrize("after_lines", [1, 2, 3, 4])
def test_ctrl_c_while_it_starts_ends_it_as_quietly(tmp_path: Path, after_lines: int) -> None:
    command = [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        for _ in range(after_lines):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize("option", ["--port", "--aws-port"])
@pytest.mark.parametrize("more", [["--customers", "30"], ["--no-demo"]])
def test_a_taken_port_is_told_in_one_sentence_with_the_other_options_as_given(
    tmp_path: Path, option: str, more: list[str]
) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        other = {"--port": "--aws-port", "--aws-port": "--port"}[option]
        done = subprocess.run(
            [sys.executable, "-m", "local", option, port, other, "0", *more],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    sentence = f"Port {port} is taken on this machine: stop what uses it, or choose another with {option} "
    ports = {option: int(port) + 1, other: 0}
    options = f"--port {ports['--port']} --aws-port {ports['--aws-port']} {' '.join(more)}"
    assert done.stderr.strip() == f'{sentence}(make run ARGS="{options}").'


def test_a_second_desk_in_the_same_directory_is_refused_and_the_first_keeps_its_tokens(tmp_path: Path) -> None:
    with running(tmp_path, "--no-demo") as stack:
        before = stack.stack_file.read_text()
        done = subprocess.run(
            [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, stack.stack_file.read_text()) == (1, before)
        assert "runs already at http://127.0.0.1:" in done.stderr
        stack.stop()


def test_what_a_killed_desk_left_behind_keeps_nobody_from_starting(tmp_path: Path) -> None:
    with running(tmp_path, "--no-demo") as killed:
        killed.process.kill()
        killed.process.communicate(timeout=30)
    assert killed.stack_file.exists()
    with running(tmp_path, "--no-demo") as stack:
        assert stack.send("GET", "/health")[0] == 200
        stack.stop()


@pytest.mark.parametrize("port", ["-1", "65536", "http", ""])
def test_what_is_no_port_is_refused(tmp_path: Path, port: str) -> None:
    command = [sys.executable, "-m", "local", f"--port={port}"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "is no port" in done.stderr


def test_a_setting_of_the_callers_is_taken_and_a_wrong_one_named(tmp_path: Path) -> None:
    with running(tmp_path, "--no-demo", PAYDESK_ALLOWED_ORIGINS="https://portal.example.com") as stack:
        origin = {"Origin": "https://portal.example.com"}
        assert stack.send_raw("GET", "/health", None, origin)[0] == 200
        stack.stop()
    done = subprocess.run(
        [sys.executable, "-m", "local", "--port", "0", "--aws-port", "0"],
        cwd=tmp_path,
        env=environment(PAYDESK_COOLDOWN_SECONDS="soon"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "PAYDESK_COOLDOWN_SECONDS" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_demo_data_the_operator_opens_the_account_the_administrator_is_waiting_for(tmp_path: Path) -> None:
    with running(tmp_path, "--no-demo") as stack:
        admin, operator = stack.user("billing_admin"), stack.user("operator")
        assert stack.send("GET", "/v1/accounts", token=admin["token"])[1]["items"] == []
        found = re.search(r"Idempotency-Key (\S+): its id will be (\S+)\.", stack.printed)
        assert found is not None
        body = {"name": "First", "currency": "EUR", "time_zone": "Europe/Berlin"}
        status, account = stack.send("POST", "/v1/accounts", body, token=operator["token"], key=found[1])
        assert (status, account["account_id"]) == (201, found[2])
        assert stack.send("GET", f"/v1/accounts/{found[2]}", token=admin["token"])[0] == 200
        stack.stop()


def test_what_the_app_logs_goes_to_a_file_and_holds_no_token(running_stack: Running) -> None:
    token = running_stack.user("operator")["token"]
    running_stack.send("GET", "/v1/accounts", token=token)
    logged = (running_stack.directory / ".local" / "paydesk.log").read_text()
    assert logged
    assert token not in logged
