"""A desk in memory, whose books have to balance when a test ends."""

from tests.support.memory_desk import desk

__all__ = ["desk"]
