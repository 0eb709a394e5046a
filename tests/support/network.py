"""Closes the network for the tests of this process: loopback only, no name looked up elsewhere."""

import ipaddress
import sys
from typing import Any

_WATCHED = frozenset(
    {"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"}
)
_LOCAL_NAMES = frozenset({None, "", "localhost"})


class NetworkClosed(RuntimeError):
    """A test reached for the network beyond this machine."""


def close_network() -> None:
    """From now on whatever leaves loopback raises NetworkClosed, until the process ends: audit hooks are for ever."""
    sys.addaudithook(_refuse_the_world)


def _refuse_the_world(event: str, arguments: tuple[Any, ...]) -> None:
    if event not in _WATCHED:
        return
    address = arguments[0] if event.startswith("socket.get") else arguments[1]
    if address is None:  # sendmsg on a connected socket: the connect was looked at
        return
    host = address[0] if isinstance(address, tuple) else address
    if not _is_local(host, looked_up=event.startswith("socket.get")):
        raise NetworkClosed(f"{event} to {host!r}: tests stay on this machine")


def _is_local(host: object, *, looked_up: bool) -> bool:
    text = host.decode() if isinstance(host, bytes) else host
    if text in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(text)).is_loopback
    except ValueError:
        return not looked_up and str(text).startswith("/")  # a socket file, not a name
