"""Random sequences: which step may be next, by hypothesis, from what the sequence has come to (`Model`).

A real world is not shrunk: a sequence runs once, and one that fails is said as steps that can be kept. Hypothesis runs
a test that failed again; then nothing is done, and the same violation ends it.
"""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.explorer.model import EDGE_RUNTIME, ENDING, MOST_TABLESPACES, RESTARTING, Model
from tests.explorer.steps import FAULTS, Explorer, Step, Violation

PACES = st.sampled_from([0.0, 0.01, 0.02, 0.04])
KILLED = (*ENDING, *RESTARTING, "supervisor")
PAUSED = st.sampled_from(["postmaster", "checkpointer", "walwriter", "archiver", "backend", "store"])
ACTS = st.sampled_from(["backup", "drill", "beside", "in_place"])
ENDS = st.sampled_from(["command", "engine", "both"])
KILL_SECONDS = st.sampled_from([1.0, 2.0, 4.0, 6.0, 8.0])
SITE_SECONDS = st.sampled_from([0.6, 1.0, 1.5, 2.0])
SHARES = st.sampled_from([0.05, 0.25, 0.5, 0.75, 0.95, 1.0])
SECONDS = st.sampled_from([0.5, 1.0, 2.0, 5.0])
API_PACE_SECONDS = 0.1
FORWARD, BACK = st.sampled_from([60.0, 600.0, 3600.0]), st.sampled_from([2.0, 20.0, 60.0])
Values = st.SearchStrategy[tuple[Any, ...]]


@dataclass(frozen=True, kw_only=True)
class Possible:
    """A step that may be next, and how often beside others."""

    name: str
    when: Callable[[Model], bool]
    values: Callable[[Model], Values] = lambda _: st.just(())
    weight: int = 2


def well(model: Model) -> bool:
    """All that a command of the operator needs is there."""
    return model.is_up and model.is_store_there


def can_be_set(model: Model) -> bool:
    return model.has_clock and well(model)


def is_reached(model: Model) -> bool:
    """The site's clients find it, and its stand-by."""
    return well(model) and model.has_site and model.has_all_parts and model.serves == "a"


def killed_acts_of_the_site(model: Model) -> Values:
    act = ("rollback", "vercel") if model.side == "worker" else ("restore", "worker")
    return SITE_SECONDS.map(lambda seconds: (*act, seconds))


def sources(model: Model) -> list[str]:
    """What else than the repository as it is. The store goes by a clock of its own, and tells its versions by that."""
    return ["copy"] if model.is_clock_set else ["copy", "as of"]


def killed(model: Model) -> Values:
    """Not what was killed before."""
    clients = ("pooler", *(("edge", EDGE_RUNTIME) if model.has_site else ())) if model.has_all_parts else ()
    return st.tuples(st.sampled_from((*KILLED, *clients)))


def loads(model: Model) -> Values:
    """By way of the edge it is the API's, whose calls are counted."""
    sql = st.tuples(st.just(True), st.integers(1, 8), PACES, st.sampled_from(["postgres", "pooler"]))
    api = st.tuples(st.just(True), st.integers(2, 4), st.just(API_PACE_SECONDS), st.just("edge"))
    return sql | api if model.has_site else sql


def targets(model: Model, *kinds: str) -> Values:
    return st.sampled_from([*kinds, "name"] if model.has_point else kinds)


TABLE = (
    Possible(name="load", when=lambda _: True, values=loads),
    # Without it nothing can be lost.
    Possible(name="load", when=lambda model: not model.is_loaded, values=loads, weight=12),
    Possible(name="load", when=lambda model: model.is_loaded, values=lambda _: st.just((False,)), weight=1),
    Possible(name="wait", when=lambda model: model.is_loaded, values=lambda _: st.tuples(SECONDS)),
    Possible(
        name="kill",
        when=lambda model: model.is_up,
        values=killed,
        weight=12,
    ),
    Possible(name="pause", when=well, values=lambda _: st.tuples(PAUSED, SECONDS)),
    Possible(name="rebooted", when=lambda model: model.is_up, weight=3),
    Possible(name="clock_forward", when=can_be_set, values=lambda _: st.tuples(FORWARD)),
    Possible(name="clock_back", when=can_be_set, values=lambda _: st.tuples(BACK)),
    Possible(
        name="fault",
        when=well,
        values=lambda model: st.tuples(st.sampled_from((*FAULTS, "edge") if model.has_site else FAULTS)),
        weight=1,
    ),
    Possible(name="up", when=lambda model: not model.is_up, weight=8),
    Possible(name="up", when=lambda model: not model.has_all_parts, weight=4),
    Possible(name="store", when=well, values=lambda _: st.just((False,)), weight=1),
    Possible(name="store", when=lambda model: not model.is_store_there, values=lambda _: st.just((True,)), weight=8),
    Possible(name="backup", when=well, values=lambda _: st.tuples(st.sampled_from(["full", "diff", "incr"]))),
    Possible(name="verify", when=well, weight=1),
    Possible(name="drill", when=well, values=lambda _: st.tuples(st.none() | SHARES)),
    Possible(
        name="beside",
        when=well,
        values=lambda model: st.tuples(targets(model, "latest", "time", "xid", "lsn", *sources(model)), SHARES),
        weight=3,
    ),
    Possible(
        name="in_place",
        when=well,
        values=lambda model: st.tuples(targets(model, "latest", "time"), SHARES),
        weight=4,
    ),
    Possible(
        name="in_place_from",
        when=well,
        values=lambda model: st.tuples(st.sampled_from(sources(model)), SHARES),
        weight=1,
    ),
    Possible(name="point", when=well),
    # By the book, also where PostgreSQL was killed and the supervisor was not.
    Possible(
        name="in_place",
        when=lambda model: not model.is_up and model.is_store_there,
        values=lambda _: st.just(("latest", 1.0)),
        weight=6,
    ),
    # It fails in this process, which has the machine's clock.
    Possible(name="undone", when=lambda model: well(model) and not model.is_clock_set),
    Possible(name="standby_refuses", when=lambda model: well(model) and model.standby == "follows"),
    Possible(
        name="orphan_tried",
        when=lambda model: well(model) and model.standby == "orphaned" and model.serves == "a",
    ),
    Possible(
        name="opened",
        when=lambda model: well(model) and model.has_kept,
        values=lambda _: st.tuples(st.booleans()),
        weight=4,
    ),
    Possible(name="discard", when=well, weight=1),
    Possible(name="killed_act", when=well, values=lambda _: st.tuples(ACTS, ENDS, KILL_SECONDS), weight=3),
    Possible(
        name="lost_instance",
        when=lambda _: True,
        # What does not run, or has no store, archives nothing as it is shut down.
        values=lambda model: st.tuples(st.booleans() if well(model) else st.just(False)),
        weight=4,
    ),
    Possible(name="lost_bucket", when=well),
    Possible(
        name="standby_made",
        when=lambda model: well(model) and model.standby == "none",
        weight=6,
    ),
    Possible(
        name="standby_removed", when=lambda model: well(model) and model.standby in ("left", "orphaned"), weight=1
    ),
    Possible(
        name="standby_rebuilt",
        when=lambda model: well(model) and model.standby in ("left", "orphaned") and model.serves == "a",
        values=lambda model: st.just((model.standby == "left",)),
        weight=6,
    ),
    Possible(name="cut_over", when=lambda model: well(model) and model.standby == "follows", weight=20),
    Possible(name="cut_back", when=lambda model: well(model) and model.standby == "serves", weight=8),
    Possible(name="migrate", when=lambda model: model.is_up, values=lambda model: st.just((model.made,)), weight=1),
    Possible(
        name="tablespace",
        when=lambda model: well(model) and len(model.tablespaces) < MOST_TABLESPACES,
        values=lambda model: st.just((f"ts{model.made}",)),
    ),
    Possible(
        name="fill",
        when=lambda model: model.is_up and bool(model.tablespaces),
        values=lambda model: st.tuples(st.just(model.tablespaces[0]), st.sampled_from(["NEW", "alt", "xyz"])),
        weight=3,
    ),
    Possible(
        name="drop",
        when=lambda model: model.is_up and bool(model.tablespaces),
        values=lambda model: st.just((model.tablespaces[0],)),
        weight=1,
    ),
    Possible(name="site_rollback", when=lambda model: is_reached(model) and model.side == "worker"),
    Possible(name="site_restore", when=lambda model: is_reached(model) and model.side == "vercel", weight=4),
    Possible(name="site_killed", when=is_reached, values=killed_acts_of_the_site, weight=1),
    Possible(name="full_disk", when=well, values=lambda _: st.tuples(st.sampled_from([48, 96])), weight=1),
)
NAMES = sorted({one.name for one in TABLE})
ALWAYS = ("load", "wait", "up", "store")
"""What no sequence may lack."""
REST: Step = ("wait", 1)
SETTINGS = settings(
    deadline=None,
    database=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
    # It always begins with the simplest sequence, which rests and makes no world.
    max_examples=2,
)


def next_step(model: Model, left_out: frozenset[str]) -> st.SearchStrategy[Step]:
    """A rest is the simplest; nothing dull comes twice in a row."""
    possible = [
        one
        for one in TABLE
        if one.when(model) and one.name not in left_out and not (one.name == model.last and one.weight == 1)
    ]
    # The first is the simplest.
    places = [len(possible), *(place for place, one in enumerate(possible) for _ in range(one.weight))]

    def chosen(place: int) -> st.SearchStrategy[Step]:
        if place == len(possible):
            return st.just(REST)
        one = possible[place]
        return one.values(model).map(lambda values: (one.name, *values))

    return st.sampled_from(places).flatmap(chosen)


def explore(
    number: int,
    make: Callable[[], Explorer],
    steps: int,
    *,
    shrinks: bool = False,
    has_clock: bool = False,
    has_site: bool = False,
) -> None:
    """Runs the sequence of a seed; the same number gives the same one. `make` makes its world, with what it has.

    Raises Violation, with the steps that led there. Shrunk it takes hours, a world for each try.
    """
    own = {"make": staticmethod(make), "failed": None, "failed_after": 0, "seed": number, "is_shrunk": shrinks}
    own |= {"has_clock": has_clock, "has_site": has_site}
    kind = seed(number)(type("Seeded", (Sequence,), own))
    phases = (Phase.generate, Phase.shrink) if shrinks else (Phase.generate,)
    run_state_machine_as_test(kind, settings=settings(SETTINGS, phases=phases, stateful_step_count=steps))


class Sequence(RuleBasedStateMachine):
    """One world, made at its first step that needs one."""

    make: Callable[[], Explorer]
    """Set by whoever runs it."""
    failed: str | None = None
    failure: type[Exception] = Violation
    failed_after = 0
    seed = 0
    is_shrunk = has_clock = has_site = False

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(has_clock=type(self).has_clock, has_site=type(self).has_site)
        self.taken: list[Step] = []
        self._explorer: Explorer | None = None
        self._has_failed = False
        self.left_out: frozenset[str] = frozenset()

    def take(self, name: str, *values: Any) -> None:
        self.taken.append((name, *values))
        kind = type(self)
        if kind.failed is None:
            self._do(name, *values)
        if kind.failed is not None and len(self.taken) >= kind.failed_after:
            self._has_failed = True
            # From one line, or hypothesis takes the second for another fault.
            raise kind.failure(kind.failed)
        self.model.take(name, *values)

    def _do(self, name: str, *values: Any) -> None:
        kind = type(self)
        if self._explorer is None and name == "wait":
            return
        try:
            if self._explorer is None:
                self._explorer = kind.make()
                # Not every sequence would draw it, and without it nothing can be lost.
                self._explorer.do("load", True)
                self._explorer.do("written")
            self._explorer.do(name, *values)
        except Exception as error:  # What was not foreseen ends a sequence, too.
            if kind.is_shrunk:
                raise
            is_foreseen = isinstance(error, Violation)
            kind.failure = Violation if is_foreseen else RuntimeError
            words = str(error) if is_foreseen else "".join(traceback.format_exception(error))
            steps = self._explorer.steps if self._explorer else []
            kind.failed_after = len(self.taken)
            kind.failed = f"{words}\nseed {kind.seed}; the sequence, to be kept: {steps}"

    def teardown(self) -> None:
        """The looks that end a sequence. They raise, too."""
        is_begun = self._explorer is not None or type(self).failed is not None
        if is_begun and not self._has_failed:
            self.take("end", self.seed)

    @initialize(left_out=st.frozensets(st.sampled_from([name for name in NAMES if name not in ALWAYS]), max_size=8))
    def leave_out(self, left_out: frozenset[str]) -> None:
        """Without some steps, others come more often, and in a row."""
        self.left_out = left_out

    @rule(data=st.data())
    def step(self, data: st.DataObject) -> None:
        self.take(*data.draw(next_step(self.model, self.left_out)))
