"""One world a test, in which nobody waits longer than the test needs."""

from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path

import pytest

from failover.cloudflare import transport
from failover.operation import operation
from failover.probe import clients
from failover.probe.watch import View
from local.control_plane.server import Handler
from tests.failover.quick import BACKOFF_SECONDS, ImpatientView
from tests.failover.world import World, make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that are processes of their own are as they are."""
    monkeypatch.setattr(operation, "View", ImpatientView)
    monkeypatch.setattr(transport, "FIRST_SECONDS", BACKOFF_SECONDS)
    # What it prints would stand among the data of a command in this process.
    monkeypatch.setattr(Handler, "log_request", lambda *_: None)


@pytest.fixture
def patient(impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is the waiting for a side that is tested."""
    monkeypatch.setattr(operation, "View", View)


@pytest.fixture
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gives probes long to be answered: on a busy machine that is late, and one that gave up counts as unanswered."""
    monkeypatch.setattr(clients, "QUERY_SECONDS", 60.0)
    monkeypatch.setattr(clients, "WHOLE_SECONDS", 60.0)
    monkeypatch.setattr(clients.Client, "__init__", partialmethod(clients.Client.__init__, seconds=60.0))


@pytest.fixture
def worlds(tmp_path: Path, impatient: None) -> Iterator[Callable[..., World]]:
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
