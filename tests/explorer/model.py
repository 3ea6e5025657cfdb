"""What a sequence has come to so far, as far as it decides which step may be next. It knows no world."""

from dataclasses import dataclass, field
from typing import Any

RESTARTING = ("backend", "checkpointer", "walwriter", "archiver")
"""PostgreSQL begins anew by itself when one of these is killed."""
ENDING = ("postmaster", "postgres")
MOST_TABLESPACES = 2


@dataclass(kw_only=True)
class Model:
    is_up: bool = True
    """The cluster that serves answers."""
    is_store_there: bool = True
    is_loaded: bool = True
    serves: str = "a"
    standby: str = "none"
    """What b is: none, follows, serves, left (given up after it served) or orphaned (a's line was left)."""
    tablespaces: list[str] = field(default_factory=list)
    has_kept: bool = False
    """The host that serves has a `main.before-TIME`."""
    last: str = ""
    """The name of the step before."""
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

    def _up(self) -> None:
        self.is_up = self.is_store_there = True

    def _store(self, is_there: bool) -> None:
        self.is_store_there = is_there
        self.is_up = self.is_up or is_there

    def _in_place(self, *_: Any) -> None:
        self.is_up = self.has_kept = True
        if self.standby == "follows":
            self.standby = "orphaned"
        # What was made since the target may be gone, or not.
        self.tablespaces.clear()

    def _undone(self) -> None:
        # It begins a timeline.
        if self.standby == "follows":
            self.standby = "orphaned"

    def _discard(self) -> None:
        self.has_kept = False

    def _lost_instance(self, is_polite: bool) -> None:
        self.is_up = self.is_store_there = True
        self.has_kept = False
        if not is_polite:
            self.tablespaces.clear()

    def _lost_bucket(self) -> None:
        self.is_up = self.is_store_there = True

    def _standby_made(self) -> None:
        self.standby = "follows"

    def _standby_rebuilt(self, has_served: bool) -> None:
        self.standby = "follows"

    def _standby_removed(self) -> None:
        self.standby = "none"

    def _cut_over(self) -> None:
        self.standby, self.serves, self.has_kept = "serves", "b", False

    def _cut_back(self) -> None:
        self.standby, self.serves, self.has_kept = "left", "a", False
        self.tablespaces.clear()

    def _tablespace(self, name: str, *_: Any) -> None:
        self.made += 1
        self.tablespaces.append(name)

    def _drop(self, name: str) -> None:
        self.tablespaces.remove(name)

    def _migrate(self, *_: Any) -> None:
        self.made += 1

    def _full_disk(self, *_: Any) -> None:
        self.is_loaded = False
