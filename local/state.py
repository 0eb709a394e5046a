"""`.local/`: where a desk leaves word of itself, in the directory it was started in.

`stack.json` is for programs, `desk.sh` for shells: `. .local/desk.sh` sets the address, headers and account ids. Both
hold tokens, are for their owner's eyes, and are gone when the desk stops.
"""

import contextlib
import http.client
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from local import demo_data
from local.stack import PASSWORD, LocalStack, Person

STATE = Path(".local")

_WHO = ("ADMIN", "VIEWER", "OPERATOR")
_WHOSE = ("LUMEN", "KIKU", "FJORD")
"""What desk.sh calls people's headers, and the accounts of the demo customers."""


class AlreadyRunning(Exception):
    """Another stack lives in this directory: its tokens and its log would be written over."""


def refuse_a_second_desk() -> None:
    """Raises AlreadyRunning. What a killed stack left behind does not count: nobody answers there."""
    with contextlib.suppress(OSError, ValueError, KeyError):
        api_url = json.loads((STATE / "stack.json").read_text())["api_url"]
        with contextlib.closing(http.client.HTTPConnection(urlsplit(api_url).netloc, timeout=2)) as connection:
            connection.request("GET", "/health")
            connection.getresponse()
        raise AlreadyRunning(api_url)


@contextlib.contextmanager
def word_of(stack: LocalStack) -> Iterator[Path]:
    """Where programs and shells find this stack. Gone when it ends, unless another stack wrote there meanwhile."""
    directory = STATE.absolute()
    try:
        yield directory
    finally:
        with contextlib.suppress(FileNotFoundError, ValueError):
            if json.loads((directory / "stack.json").read_text())["api_url"] == stack.api_url:
                (directory / "stack.json").unlink()
                (directory / "desk.sh").unlink()


def leave_word(directory: Path, stack: LocalStack, people: tuple[Person, ...]) -> None:
    """Writes both files; again with new tokens."""
    _write_privately(directory / "stack.json", json.dumps(_description(stack, people), indent=2) + "\n")
    variables = {"API": stack.api_url}
    variables |= {who: f"Authorization: Bearer {person.token}" for who, person in zip(_WHO, people, strict=True)}
    variables |= {name: customer.account_id for name, customer in zip(_WHOSE, demo_data.CUSTOMERS, strict=True)}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
    _write_privately(directory / "desk.sh", "".join(lines))


def _write_privately(path: Path, content: str) -> None:
    """Whole or not at all, for the owner's eyes: it holds passwords and tokens."""
    draft = path.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(content)
    draft.replace(path)


def _description(stack: LocalStack, people: tuple[Person, ...]) -> dict[str, object]:
    users = [
        {
            "email": person.email,
            "password": PASSWORD,
            "roles": list(person.roles),
            "account_ids": list(person.account_ids),
            "token": person.token,
        }
        for person in people
    ]
    return {"api_url": stack.api_url, "aws_endpoint_url": stack.aws_endpoint_url, "users": users}
