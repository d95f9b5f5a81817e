"""The world of the access matrix, with poison in it."""

import pytest

from tests.access.conftest import asking
from tests.access.world import World, make_world

__all__ = ["asking", "world"]


@pytest.fixture
def world(db: None) -> World:
    return make_world()
