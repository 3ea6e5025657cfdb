"""Random sequences: which step may be next, by hypothesis, from what the sequence has come to (`Model`).

A real world is not shrunk: a sequence runs once, and one that fails is said as steps that can be kept. Hypothesis runs
a test that failed again; then nothing is done, and the same violation ends it.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from tests.explorer.model import ENDING, MOST_TABLESPACES, RESTARTING, Model
from tests.explorer.steps import Explorer, Step, Violation

SHARES = st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
SECONDS = st.sampled_from([0.5, 1.0, 2.0, 5.0])
SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # It always begins with the simplest sequence, which rests and makes no world.
    max_examples=2,
)


def explore(number: int, make: Callable[[], Explorer], steps: int, *, shrinks: bool = False) -> None:
    """Runs the sequence of a seed; the same number gives the same one. `make` makes its world.

    Raises Violation, with the steps that led there. Shrunk it takes hours, a world for each try.
    """
    own = {"make": staticmethod(make), "failed": None, "failed_after": 0, "seed": number, "is_shrunk": shrinks}
    kind = seed(number)(type("Seeded", (Sequence,), own))
    phases = (Phase.generate, Phase.shrink) if shrinks else (Phase.generate,)
    run_state_machine_as_test(kind, settings=settings(SETTINGS, phases=phases, stateful_step_count=steps))


def well(machine: "Sequence") -> bool:
    return machine.model.is_well


class Sequence(RuleBasedStateMachine):
    """One world, made at its first step that needs one."""

    make: Callable[[], Explorer]
    """Set by whoever runs it."""
    failed: str | None = None
    failed_after = 0
    seed = 0
    is_shrunk = False

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.taken: list[Step] = []
        self._explorer: Explorer | None = None
        self._has_failed = False

    def take(self, name: str, *values: Any) -> None:
        self.taken.append((name, *values))
        kind = type(self)
        if kind.failed is None:
            self._do(name, *values)
        if kind.failed is not None and len(self.taken) >= kind.failed_after:
            self._has_failed = True
            # From one line, or hypothesis takes the second for another fault.
            raise Violation(kind.failed)
        self.model.take(name, *values)

    def _do(self, name: str, *values: Any) -> None:
        kind = type(self)
        if self._explorer is None and name == "wait":
            return
        try:
            if self._explorer is None:
                self._explorer = kind.make()
            self._explorer.do(name, *values)
        except Violation as violation:
            steps = self._explorer.steps if self._explorer else []
            if kind.is_shrunk:
                raise
            kind.failed_after = len(self.taken)
            kind.failed = f"{violation}\nseed {kind.seed}; the sequence, to be kept: {steps}"

    def teardown(self) -> None:
        """The looks that end a sequence. They raise, too."""
        is_begun = self._explorer is not None or type(self).failed is not None
        if is_begun and not self._has_failed:
            self.take("end", self.seed)

    @rule()
    def a_rest(self) -> None:
        """First by its name: the simplest of all."""
        self.take("wait", 1)

    @rule(connections=st.integers(1, 8), pace=st.sampled_from([0.0, 0.002, 0.01]))
    def load(self, connections: int, pace: float) -> None:
        self.take("load", True, connections, pace)

    @precondition(lambda self: self.model.is_loaded)
    @rule(seconds=SECONDS)
    def write(self, seconds: float) -> None:
        self.take("wait", seconds)

    @precondition(lambda self: self.model.is_loaded)
    @rule()
    def unload(self) -> None:
        self.take("load", False)

    @precondition(lambda self: self.model.is_up)
    @rule(who=st.sampled_from([*ENDING, *RESTARTING, "archiver", "supervisor"]))
    def kill(self, who: str) -> None:
        self.take("kill", who)

    @precondition(lambda self: self.model.is_up and self.model.is_store_there)
    @rule(
        who=st.sampled_from(["postmaster", "checkpointer", "walwriter", "archiver", "backend", "store"]),
        seconds=SECONDS,
    )
    def pause(self, who: str, seconds: float) -> None:
        self.take("pause", who, seconds)

    @precondition(lambda self: not self.model.is_up)
    @rule()
    def up(self) -> None:
        self.take("up")

    @precondition(well)
    @rule()
    def store_away(self) -> None:
        self.take("store", False)

    @precondition(lambda self: not self.model.is_store_there)
    @rule()
    def store_back(self) -> None:
        self.take("store", True)

    @precondition(well)
    @rule(kind=st.sampled_from(["full", "diff", "incr"]))
    def backup(self, kind: str) -> None:
        self.take("backup", kind)

    @precondition(well)
    @rule()
    def verify(self) -> None:
        self.take("verify")

    @precondition(well)
    @rule(share=st.none() | SHARES)
    def drill(self, share: float | None) -> None:
        self.take("drill", share)

    @precondition(well)
    @rule(kind=st.sampled_from(["latest", "time", "xid", "lsn"]), share=SHARES)
    def beside(self, kind: str, share: float) -> None:
        self.take("beside", kind, share)

    @precondition(well)
    @rule(kind=st.sampled_from(["latest", "time"]), share=SHARES)
    def in_place(self, kind: str, share: float) -> None:
        self.take("in_place", kind, share)

    @precondition(lambda self: not self.model.is_up and self.model.is_store_there)
    @rule()
    def in_place_after_a_crash(self) -> None:
        self.take("in_place", "latest", 1.0)

    @precondition(well)
    @rule()
    def discard(self) -> None:
        self.take("discard")

    @precondition(well)
    @rule(
        act=st.sampled_from(["backup", "drill", "beside", "in_place"]),
        who=st.sampled_from(["command", "engine", "both"]),
        seconds=st.sampled_from([1.0, 2.0, 4.0, 6.0, 8.0]),
    )
    def killed_act(self, act: str, who: str, seconds: float) -> None:
        self.take("killed_act", act, who, seconds)

    @precondition(lambda self: self.model.serves == "a" and self.model.standby in ("none", "left"))
    @rule(is_polite=st.booleans())
    def lost_instance(self, is_polite: bool) -> None:
        self.take("lost_instance", is_polite)

    @precondition(lambda self: well(self) and self.model.serves == "a" and self.model.standby in ("none", "left"))
    @rule()
    def lost_bucket(self) -> None:
        self.take("lost_bucket")

    @precondition(lambda self: well(self) and self.model.standby == "none" and not self.model.tablespaces)
    @rule()
    def standby_made(self) -> None:
        self.take("standby_made")

    @precondition(lambda self: well(self) and self.model.standby in ("left", "orphaned"))
    @rule()
    def standby_removed(self) -> None:
        self.take("standby_removed")

    @precondition(lambda self: well(self) and self.model.standby == "follows")
    @rule()
    def cut_over(self) -> None:
        self.take("cut_over")

    @precondition(lambda self: well(self) and self.model.standby == "serves")
    @rule()
    def cut_back(self) -> None:
        self.take("cut_back")

    @precondition(well)
    @rule(megabytes=st.sampled_from([48, 96]))
    def full_disk(self, megabytes: int) -> None:
        self.take("full_disk", megabytes)

    @precondition(lambda self: self.model.is_up)
    @rule()
    def migrate(self) -> None:
        self.take("migrate", self.model.made)

    @precondition(
        lambda self: (
            well(self) and len(self.model.tablespaces) < MOST_TABLESPACES and self.model.standby in ("none", "left")
        )
    )
    @rule()
    def tablespace(self) -> None:
        self.take("tablespace", f"ts{self.model.made}")

    @precondition(lambda self: self.model.is_up and self.model.tablespaces)
    @rule(word=st.sampled_from(["NEW", "alt", "xyz"]))
    def fill(self, word: str) -> None:
        self.take("fill", self.model.tablespaces[0], word)

    @precondition(lambda self: self.model.is_up and self.model.tablespaces)
    @rule()
    def drop(self) -> None:
        self.take("drop", self.model.tablespaces[0])
