"""One world a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.failover.world import World, make


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Makes worlds, and ends them."""
    made: list[World] = []

    def one(**changes: object) -> World:
        made.append(make(tmp_path, **changes))  # type: ignore[arg-type]
        return made[-1]

    yield one
    for world in made:
        world.stop()


@pytest.fixture
def world(worlds: Callable[..., World]) -> World:
    return worlds()
