"""`python -m local`: Paydesk and the AWS it needs, on this machine, until Ctrl-C."""

import argparse
import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from chalicelib.http.cards import has_card_number
from chalicelib.settings import SettingsError
from local import demo_data
from local.progress import Progress, bars_on
from local.server import RequestLog
from local.stack import PASSWORD, LocalStack, Person, Say, run_stack
from local.state import STATE, AlreadyRunning, leave_word, refuse_a_second_desk, word_of
from local.web import PortTaken, Request, Response

_NEW_TOKENS_SECONDS = 30 * 60
"""Tokens last an hour: whoever reads stack.json finds them with half of it left."""


def main() -> int:
    arguments = _arguments()
    ending = _Ending()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell starts what runs in its background with SIGINT ignored
        signal.signal(number, ending.wished)
    terminal = sys.stdout

    def say(line: str) -> None:
        print(line, file=terminal, flush=True)

    def say_a_step(line: str) -> None:
        say(line)
        ending.heard()

    def log(request: Request, response: Response, milliseconds: int) -> None:
        path = request.target.partition("?")[0]
        if has_card_number(path):
            path = "(a card number in the address)"
        say(f"{request.method:6} {path} -> {response.status} ({milliseconds} ms)")

    try:
        with contextlib.suppress(KeyboardInterrupt):
            _run(arguments, say_a_step, log, bars_on(terminal), ending)
        say("\nStopped.")
        return 0
    except PortTaken as taken:
        option = "--aws-port" if taken.port == arguments.aws_port else "--port"
        problem = (
            f"Port {taken.port} is taken on this machine: stop what uses it, or choose another with {option} "
            f'(make run ARGS="{_options(arguments, option, taken.port + 1)}").'
        )
    except AlreadyRunning as other:
        problem = (
            f"A desk started in this directory runs already at {other}, and {STATE} is its. Stop it first, or start "
            "this one in another copy of the repository."
        )
    except SettingsError as error:
        problem = str(error)
    print(problem, file=sys.stderr)
    return 1


class _Ending:
    """Ctrl-C, or SIGTERM, as KeyboardInterrupt: while the stack starts at the next step, once it runs at any moment.

    In the middle of a start it would break off an import, and leave an open file and half a module behind. Who asks
    twice is not kept waiting.
    """

    def __init__(self) -> None:
        self._asked = False
        self._at_once = False

    def wished(self, _number: int, _frame: object) -> None:
        if self._at_once:
            raise KeyboardInterrupt
        self._asked = self._at_once = True

    def heard(self) -> None:
        """A step of the start is done."""
        if self._asked:
            self._asked = False  # the rest, ending included, says its lines in peace
            raise KeyboardInterrupt

    def started(self) -> None:
        self._at_once = True
        self.heard()


def _run(arguments: argparse.Namespace, say: Say, log: RequestLog, progress: Progress, ending: _Ending) -> None:
    """Until Ctrl-C, which comes as KeyboardInterrupt."""
    refuse_a_second_desk()
    with (
        _app_log() as app_log,
        contextlib.redirect_stdout(app_log),
        run_stack(
            arguments.port,
            arguments.aws_port,
            with_demo=arguments.demo,
            say=say,
            log=log,
            crowd=arguments.customers,
            progress=progress,
        ) as stack,
        word_of(stack) as directory,
    ):
        people = stack.sign_everybody_in()
        leave_word(directory, stack, people)
        say(_welcome(stack, people, directory, with_demo=arguments.demo, crowd=arguments.customers))
        ending.started()
        while True:
            for _ in range(_NEW_TOKENS_SECONDS):
                time.sleep(1)  # short: a signal that comes the moment before one is heard when it ends
            leave_word(directory, stack, stack.sign_everybody_in())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000, help="where Paydesk listens (8000; 0 takes a free one)")
    parser.add_argument("--aws-port", type=_port, default=5000, help="where moto listens (5000; 0 takes a free one)")
    parser.add_argument("--no-demo", dest="demo", action="store_false", help="start without the demo customers")
    parser.add_argument(
        "--customers", type=_crowd, default=0, help="so many demo customers more, on autopay, who owe something"
    )
    arguments = parser.parse_args()
    if arguments.customers and not arguments.demo:
        parser.error("--customers are demo customers: leave --no-demo out")
    return arguments


def _options(given: argparse.Namespace, option: str, port: int) -> str:
    """What was given, with another port for one option."""
    usual = {"--port": 8000, "--aws-port": 5000, "--customers": 0}
    wished = {"--port": given.port, "--aws-port": given.aws_port, "--customers": given.customers, option: port}
    told = [f"{name} {value}" for name, value in wished.items() if value != usual[name]]
    return " ".join(told if given.demo else [*told, "--no-demo"])


def _crowd(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= _CROWD_AT_MOST):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 to {_CROWD_AT_MOST}")
    return int(text)


_CROWD_AT_MOST = 2_000
"""moto copies a table for each action of a transaction: with more, nothing ever ends."""


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text} is no port; ports are 0 to 65535")
    return int(text)


@contextlib.contextmanager
def _app_log() -> Iterator[TextIO]:
    """What Paydesk logs as it would in Lambda (JSON lines, metrics) goes to a file; the terminal is for people."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    with (STATE / "paydesk.log").open("w", buffering=1) as log:
        yield log


def _welcome(stack: LocalStack, people: tuple[Person, ...], directory: Path, *, with_demo: bool, crowd: int) -> str:
    lines = [
        "",
        f"Paydesk  {stack.api_url}   (documentation: {stack.api_url}/docs)",
        f"AWS      {stack.aws_endpoint_url}   (moto: DynamoDB, SQS and Cognito)",
        f"Log      {STATE / 'paydesk.log'}",
        "",
        f"People, all with the password {PASSWORD}:",
        *(f"  {person.email:22} {', '.join(person.roles)}" for person in people),
        "",
    ]
    if with_demo:
        lines += [
            "Customers:",
            f"  {demo_data.LUMEN.account_id}   {demo_data.LUMEN.name}: EUR, one invoice overdue, services suspended",
            f"  {demo_data.KIKU.account_id}   {demo_data.KIKU.name}: JPY, one invoice to pay",
            f"  {demo_data.FJORD.account_id}   {demo_data.FJORD.name}: NOK, autopay is on, an invoice is due in 3 days",
            *([f"  and {crowd} more, Customer 0001 and so on, whom only the operator sees"] if crowd else []),
            "",
            "See what Lumen Studio owes, give it a card, pay:",
            "",
            f"  . {shlex.quote(str(directory / 'desk.sh'))}",
            *(f"  {command}" for command in CURL_COMMANDS),
            "",
            "The README goes on from there: autopay, what can go wrong, the operator.",
            "",
        ]
    else:
        lines += [
            "No customers. The operator opens the administrator's first account by POST /v1/accounts with the",
            f"Idempotency-Key {demo_data.LUMEN.key}: its id will be {demo_data.LUMEN.account_id}.",
            "",
        ]
    four_days = "four days: Fjord pays then" if with_demo else "four days"
    lines += [
        "Nothing runs by itself here. Move the clock, then do what is due by then, as often as you like:",
        f'  POST {stack.api_url}/_local/clock   {{"advance_seconds": 345600}}   ({four_days})',
        f"  POST {stack.api_url}/_local/runs/autopay   (or renewals, reconcile, overdue)",
        "",
    ]
    lines += [
        f"Tokens last an hour; desk.sh, and stack.json for programs, in {directory} always hold fresh ones.",
        "Ctrl-C stops everything.",
    ]
    return "\n".join(lines)


_CARD = '{"kind": "card", "gateway_token": "tok_visa"}'
_KEYED = """-H "$ADMIN" -H 'Idempotency-Key: """
CURL_COMMANDS = (
    """curl -sS -w '\\n' $API/v1/accounts/$LUMEN -H "$ADMIN\"""",
    f"""curl -sS -w '\\n' $API/v1/accounts/$LUMEN/payment-methods {_KEYED}my-first-card' -d '{_CARD}'""",
    f"""curl -sS -w '\\n' $API/v1/accounts/$LUMEN/payments {_KEYED}my-first-payment' -d '{{}}'""",
)
"""They work when pasted into a shell that has read desk.sh."""


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is closed. Taking moto's tables apart object by object would keep the prompt away for many seconds.
    os._exit(code)
