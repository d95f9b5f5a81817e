"""The world of the access matrix, with something in every text."""

import pytest

from tests.access.conftest import asking
from tests.access.world import World, make_world
from tests.attacks.rich_rows import enrich

__all__ = ["asking", "world"]


@pytest.fixture
def world(db: None) -> World:
    world = make_world()
    enrich(world)
    return world
