"""The tests' own ground: what every other test takes for granted."""

import socket
import subprocess
import urllib.request

import pytest

from local.web import HOST
from tests.support.engines import Engine
from tests.support.network import NetworkClosed
from tests.support.stack import MONDAY_MORNING, Stack


def test_the_network_is_closed() -> None:
    with pytest.raises(NetworkClosed), socket.create_connection(("192.0.2.1", 80), timeout=1):
        pass
    with pytest.raises(NetworkClosed), urllib.request.urlopen("https://example.com", timeout=1):
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, pytest.raises(NetworkClosed):
        datagrams.sendto(b"?", ("192.0.2.1", 53))


def test_loopback_is_open(moto: Engine) -> None:
    port = int(moto.url.rsplit(":", 1)[1])
    for host in (HOST, "localhost"):
        with socket.create_connection((host, port), timeout=5):
            pass


def test_every_stack_begins_on_monday_morning_with_nothing_in_it(stack: Stack) -> None:
    assert stack.clock.now() == MONDAY_MORNING
    assert stack.operator().get("/v1/accounts").body["items"] == []
    stack.open_account()


def test_what_one_test_left_the_next_does_not_find(stack: Stack) -> None:
    assert stack.operator().get("/v1/accounts").body["items"] == []


@pytest.mark.parametrize("engine", ["stack", "ministack_stack"])
def test_a_payment_goes_through_in_process_and_over_http(engine: str, request: pytest.FixtureRequest) -> None:
    stack: Stack = request.getfixturevalue(engine)
    account = stack.open_account()
    stack.issue_invoice(account, 1_000)
    stack.add_card(account)
    path = f"/v1/accounts/{account}/payments"
    admin = stack.admin(account)
    assert admin.post(path, {"amount_minor": 400}, key="first").status == 201
    with stack.served() as http:
        answer = admin.over(http).post(path, {}, key="second")
    assert (answer.status, answer.body["amount_minor"]) == (201, 600)


def test_ministack_is_gone_when_its_fixture_ends() -> None:
    from tests.support.ministack import serve_ministack

    with serve_ministack() as url:
        port = int(url.rsplit(":", 1)[1])
        with socket.create_connection((HOST, port), timeout=5):
            pass
    with pytest.raises(ConnectionRefusedError), socket.create_connection((HOST, port), timeout=5):
        pass
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"GATEWAY_PORT={port}" not in listed
