"""The world of the access matrix, one for all tests of a module."""

from tests.access.conftest import asking, world

__all__ = ["asking", "world"]
