"""Counts and amounts by name, as runs and checks gather them."""

from collections.abc import Mapping


def added(left: Mapping[str, int], right: Mapping[str, int]) -> dict[str, int]:
    """Name by name. One that comes to 0 stays: it was counted."""
    return {name: left.get(name, 0) + right.get(name, 0) for name in left.keys() | right.keys()}
