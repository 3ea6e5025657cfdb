"""What a sequence has come to so far, as far as it decides which step may be next. It knows no world."""

from dataclasses import dataclass, field
from typing import Any

RESTARTING = ("backend", "checkpointer", "walwriter", "archiver")
"""PostgreSQL begins anew by itself when one of these is killed."""
ENDING = ("postmaster", "postgres")
CLIENTS_PARTS = ("pooler", "edge")
"""What clients come through; only `up` starts it again."""
EDGE_RUNTIME = "workerd"
"""Miniflare starts it again by itself."""
MOST_TABLESPACES = 2


@dataclass(kw_only=True)
class Model:
    is_up: bool = True
    """The cluster that serves answers."""
    is_store_there: bool = True
    is_loaded: bool = True
    has_site: bool = False
    """The stack has all its parts, and not only those that hold data."""
    has_all_parts: bool = True
    """None of those that clients come through was killed."""
    serves: str = "a"
    standby: str = "none"
    """What b is: none, follows, serves, left (given up after it served) or orphaned (a's line was left)."""
    tablespaces: list[str] = field(default_factory=list)
    has_kept: bool = False
    """The host that serves has a `main.before-TIME`."""
    has_point: bool = False
    """A moment since the cluster that serves began to has a name."""
    has_clock: bool = False
    """It can be set."""
    is_clock_set: bool = False
    side: str = "worker"
    """Who answers the site's clients."""
    last: str = "load"
    """The name of the step before; the world begins with a load."""
    made: int = 0
    """Tablespaces and migrations so far, for their names."""

    def take(self, name: str, *values: Any) -> None:
        """What a step changes; others leave it as it is."""
        self.last = name
        change = getattr(self, f"_{name}", None)
        if change:
            change(*values)

    def _load(self, on: bool, *_: Any) -> None:
        self.is_loaded = on

    def _kill(self, who: str) -> None:
        if who in (*ENDING, "supervisor"):
            self.is_up = False
        if who == "supervisor" and self.serves == "a":
            self.is_store_there = False
        if who in CLIENTS_PARTS:
            self.has_all_parts = False

    def _up(self) -> None:
        self.is_up = self.is_store_there = self.has_all_parts = True

    _rebooted = _up

    def _store(self, is_there: bool) -> None:
        self.is_store_there = is_there
        self.is_up = self.is_up or is_there

    def _in_place(self, *_: Any) -> None:
        self.is_up = self.has_kept = True
        self.has_point = False
        self._leave_behind()
        # What was made since the target may be gone, or not.
        self.tablespaces.clear()

    _in_place_from = _in_place

    def _killed_act(self, act: str, *_: Any) -> None:
        # It may have been exchanged before the kill.
        if act == "in_place":
            self._leave_behind()

    def _point(self) -> None:
        self.has_point = True

    def _clock_forward(self, *_: Any) -> None:
        self.is_clock_set = True

    _clock_back = _clock_forward

    def _undone(self) -> None:
        # It begins a timeline.
        self._leave_behind()

    def _discard(self) -> None:
        self.has_kept = False

    def _lost_instance(self, is_polite: bool) -> None:
        self._up()
        self._leave_behind()
        self.has_kept = self.has_point = False
        if not is_polite:
            self.tablespaces.clear()

    def _lost_bucket(self) -> None:
        self._up()
        self._leave_behind()

    def _leave_behind(self) -> None:
        """What followed may not, and can be asked."""
        if self.standby == "follows":
            self.standby = "orphaned"

    def _standby_made(self) -> None:
        self.standby = "follows"

    def _standby_rebuilt(self, has_served: bool) -> None:
        self.standby = "follows"

    def _standby_removed(self) -> None:
        self.standby = "none"

    def _cut_over(self) -> None:
        self.standby, self.serves, self.has_kept, self.has_point = "serves", "b", False, False

    def _cut_back(self) -> None:
        self.standby, self.serves, self.has_kept, self.has_point = "left", "a", False, False
        self.tablespaces.clear()

    def _site_rollback(self) -> None:
        self.side = "vercel"

    def _site_restore(self) -> None:
        self.side = "worker"

    def _site_killed(self, act: str, side: str, seconds: float) -> None:
        self.side = side

    def _tablespace(self, name: str, *_: Any) -> None:
        self.made += 1
        self.tablespaces.append(name)

    def _drop(self, name: str) -> None:
        self.tablespaces.remove(name)

    def _migrate(self, *_: Any) -> None:
        self.made += 1

    def _full_disk(self, *_: Any) -> None:
        self.is_loaded = False
