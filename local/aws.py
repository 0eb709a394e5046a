"""AWS on this machine: a moto server on a loopback port, in a thread of this process.

moto is not isolated under threads: a transaction's rollback restores a copy of the whole table, so acknowledged writes
of others get lost. Calls are therefore answered strictly one after another.
"""

import contextlib
import io
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from local.stage import REGION
from local.web import HOST, listen

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
"""Engines on this machine take any; real ones must never be sent anywhere from here."""


def environment(endpoint_url: str) -> dict[str, str]:
    """What makes every boto3 client of a process talk to the engine at `endpoint_url`, and to nothing else."""
    return CREDENTIALS | {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        # A company's proxy would be asked for loopback addresses otherwise.
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


@contextlib.contextmanager
def serve_aws(port: int = 0) -> Iterator[str]:
    """A moto server; yields its address. Port 0 takes a free one. Raises PortTaken."""
    # Heavy (half a second) and only needed here.
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import make_server

    class QuietHandler(MotoRequestHandler):
        # Without it each answer waits for the client's delayed acknowledgement.
        disable_nagle_algorithm = True

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """No line per request."""

    # werkzeug warns once that this is no production server: nobody takes it for one.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with listen(port) as socket:
        server = make_server(
            HOST,
            0,
            one_at_a_time(DomainDispatcherApplication(create_backend_app)),
            threaded=True,
            request_handler=QuietHandler,
            fd=socket.fileno(),
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="moto", daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def one_at_a_time(app: WsgiApp) -> WsgiApp:
    """The app behind a lock. The body is read before it is taken, so that a slow client holds up nobody."""
    lock = threading.Lock()

    def serialised(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(length))
        with lock:
            answer = app(environ, start_response)
            try:
                return list(answer)
            finally:
                getattr(answer, "close", lambda: None)()

    return serialised


def dynamodb(endpoint_url: str) -> "DynamoDBClient":
    """A client for making tables and looking into them; Paydesk itself makes its own."""
    return boto3.client("dynamodb", **_connection(endpoint_url))


def sqs(endpoint_url: str) -> "SQSClient":
    """A client for making queues and working them off."""
    return boto3.client("sqs", **_connection(endpoint_url))


def cognito(endpoint_url: str) -> "CognitoIdentityProviderClient":
    """A client for making users and signing them in."""
    return boto3.client("cognito-idp", **_connection(endpoint_url))


def _connection(endpoint_url: str) -> dict[str, Any]:
    return {
        "endpoint_url": endpoint_url,
        "region_name": REGION,
        "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "config": Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=20, proxies={}),
    }
