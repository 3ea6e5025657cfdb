"""The steps of a sequence, each with what has to hold afterwards; and the looks that end one.

A step is a name and plain values, such as ("in_place", "latest", 0.0), so that a sequence can be kept. Each says in one
line what it did. What must not be is a `Violation`.
"""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from host.common.layout import PROMOTE_WITHOUT_MARK
from local.failover.check import failover
from local.host import database, migrations
from local.host.spec import running
from local.processes.program import PartState
from tests.explorer.ledger import Expected, Row
from tests.explorer.model import CLIENTS_PARTS, EDGE_RUNTIME, RESTARTING
from tests.explorer.world import COMMAND_SECONDS, CONNECTIONS, LIMIT_SECONDS, PACE_SECONDS, TABLE, World
from tests.local.stack_under_test import StackUnderTest
from tests.waiting import until

Step = tuple[Any, ...]
EDGE_SECONDS = 2.0
"""How far from a window's edge a moment is inside or outside for sure: pgBackRest's times are whole seconds."""
CLOCK_SECONDS = 1.0
"""What is told is rounded."""
TO_LATEST = ("restore", "--to", "latest", "--into", "main", "--replace", "main")
WRITTEN_MEANWHILE_BYTES = 128 * 2**20
"""What the load may write between a plan and the act."""
FAULT_SECONDS = LIMIT_SECONDS + 30
"""How long a fault may stand until it is told, and its line until it is well again."""
ARCHIVER_SECONDS = 15
"""After the archiver has ended, a shutdown may archive nothing: another is not begun within ten seconds (PostgreSQL,
PGARCH_RESTART_INTERVAL)."""


ARCHIVED = ("archiving", "would be lost")
"""The lines of `db status` that tell of what is not in the repository."""
SET_BACK = "the clock was set back"
"""In the words of a drill that tells why it has nothing to show."""
FAULTS = ("store", "postmaster", "backup", "archiver", "supervisor", "checkpointer", "pooler")


class Violation(AssertionError):  # noqa: N818
    """What the product said, or did, is not so."""


class Explorer:
    def __init__(self, world: World) -> None:
        self.world = world
        self.steps: list[Step] = []
        self.lines: list[str] = []
        self.tablespaces: dict[str, str] = {}
        """Name of each, and what its table's rows add up to."""
        self.kept: dict[str, tuple[Expected, dict[str, str]]] = {}
        """The rows of each `main.before-TIME`, and what its tables in tablespaces add up to."""
        self.is_store_away = False
        self.marked_at = 0.0
        self.killed_at = 0.0
        """When an archiver was ended with its server, or alone."""
        self.ended_at: float | None = None
        """Since when nothing is archived, and nobody can ask what would be lost: the server has ended."""
        self.ended_part = ""
        """Of those that clients come through, the last that was killed."""
        self.points: list[tuple[str, Expected]] = []
        """Names of moments of this era, with the rows that there were."""
        self.left_at: float | None = None
        """When b began to serve in a's place."""
        self.side = "worker"
        """Who answers the site's clients."""
        self.is_b_left = False
        """What serves may be on another line than the one that b follows."""
        self.timeline = 1
        """On which the cluster that serves writes."""

    # Sequences.

    def begin(self) -> None:
        """A stack that serves, with the table, a full backup and the first era."""
        world = self.world
        self._up()
        if world.has_site:
            world.open_account()
        # A drill looks for a marker that is older than its point; they are written each half minute.
        world.psql(TABLE, "SELECT monitoring.mark()")
        self._succeeds("backup", "now", "--type", "full")
        # A second of pgBackRest's, which are whole ones.
        time.sleep(1.1)
        world.ledger.begin(began_at=time.time(), base=frozenset(world.ids()), name="first")
        self._tell("begin", "a stack with a full backup")

    def run(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self.do(*step)

    def do(self, name: str, *values: Any) -> None:
        self.steps.append((name, *values))
        started = time.monotonic()
        try:
            said = getattr(self, name)(*values)
        except Violation as violation:
            self._tell(name, f"{values} → VIOLATION: {violation}", started)
            raise
        self._tell(name, f"{values} → {said}", started)

    def _tell(self, name: str, words: str, started: float | None = None) -> None:
        spent = f" ({time.monotonic() - started:.1f} s)" if started is not None else ""
        line = f"{datetime.now(UTC):%H:%M:%S} {name} {words}{spent}"
        self.lines.append(line)
        print(line, file=sys.stderr, flush=True)

    # What befalls the machine.

    def load(
        self, on: bool, connections: int = CONNECTIONS, pace_seconds: float = PACE_SECONDS, way: str = "postgres"
    ) -> str:
        if on:
            self.world.start_load(connections, pace_seconds, way)
            return f"{connections} connections write by way of {way}"
        self.world.stop_load()
        return f"{len(self._acked())} rows acknowledged in this era"

    def written(self) -> str:
        """Until a row is acknowledged: without one there is nothing to lose."""
        until(self._written)
        return self._count()

    def wait(self, seconds: float) -> str:
        time.sleep(seconds)
        return self._count()

    def kill(self, who: str) -> str:
        count = self.world.kill(who)
        if who in CLIENTS_PARTS:
            self.ended_part = who
            return f"kill -9 of {count} ({self._count()})"
        if who == EDGE_RUNTIME:
            return f"kill -9 of {count}, begun anew after {self._begun_anew(who):.1f} s ({self._count()})"
        self.killed_at = time.time()
        if who in RESTARTING:
            until(self.world.is_answering)
        else:
            self.ended_at = self.ended_at or self.killed_at
        self.is_store_away |= who == "supervisor" and self.world.serving is self.world.a
        return f"kill -9 of {count} ({self._count()})"

    def _begun_anew(self, who: str) -> float:
        """Where its part was not killed before."""
        started = time.monotonic()
        if self._is_running("edge"):
            until(lambda: self.world.processes(who))
        return time.monotonic() - started

    def rebooted(self) -> str:
        """As a machine that is reset: every process of both stacks ends at once, the supervisors first, and with them
        /run and shared memory; sockets and files of the state stay, as do pages that were not written yet.
        """
        world = self.world
        both = [stack for stack in (world.a, world.b) if stack.here.supervisor.is_running()]
        count = sum(world.reset(stack) for stack in both)
        self.killed_at = time.time()
        said = self._up()
        if world.b in both and world.serving is world.a:
            self._up_beside()
        return f"kill -9 of {count}; {said}; {self.rows()}"

    def _up_beside(self) -> None:
        """b, where a serves. One whose line was left may wait for the rest of that for good."""
        said = self.world.hybrid("local", "up", on=self.world.b)
        if said.returncode and not (self.is_b_left and "waiting for WAL to become available" in said.stderr):
            raise Violation(f"up on b: {_last(said)}")

    def pause(self, who: str, seconds: float) -> str:
        """SIGSTOP, and SIGCONT after a while."""
        count = self.world.send(who, signal.SIGSTOP)
        time.sleep(seconds)
        self.world.send(who, signal.SIGCONT)
        return f"{count} stopped for {seconds} s ({self._count()})"

    def up(self) -> str:
        """After whatever ended: what the runbooks say."""
        said = self._up()
        self.rows()
        return said

    def clock_forward(self, seconds: float) -> str:
        return self._clock(seconds)

    def clock_back(self, seconds: float) -> str:
        """Commits that come later have an earlier time."""
        return self._clock(-seconds)

    def _clock(self, seconds: float) -> str:
        self.world.clock.step(seconds)
        return f"the clock tells {_utc(self.world.clock.now())}"

    def store(self, is_there: bool) -> str:
        if is_there:
            self._up()
        else:
            self.world.kill("store")
        self.is_store_away = not is_there
        return "back" if is_there else "away"

    def full_disk(self, megabytes: int) -> str:
        """The databases' folder gets a disk of its own, with so much room; it is written full, and freed again."""
        world = self.world
        world.stop_load()
        # What runs beside main has its files on the disk that is exchanged.
        for one in self._listing()["restored"]:
            if one["state"] == "running":
                self._succeeds("restore", "--close", one["name"], "--apply")
        before, is_full = self.serving_rows(), "disk" in self._bad_lines()
        with world.small_disk(megabytes):
            self._up()
            world.start_load(4, 0.0)
            until(world.is_disk_full)
            time.sleep(2)
            world.stop_load()
            # PostgreSQL ends where it can't write its log, and then has no answer.
            refused = f"{self._count()}; {self._named('disk', 'server')}"
            world.free_disk()
            self._up()
            self.rows()
        self._up()
        if not is_full:
            self._well("disk")
        # Half a page that the full disk has left at a file's end is no damage, and would be taken for one.
        written = self._written()
        world.start_load(4, 0.0)
        until(lambda: self._written() > written + 1000)
        world.stop_load()
        self._untouched(before)
        return f"full; {refused}; {self.rows()}"

    # What the operator does.

    def backup(self, kind: str) -> str:
        before = self.serving_rows()
        label = json.loads(self._succeeds("backup", "now", "--type", kind, "--json"))["backup"]["label"]
        self._untouched(before)
        return str(label)

    def verify(self) -> str:
        return self._succeeds("backup", "verify").splitlines()[-1]

    def mark(self) -> str:
        """The moment, for a target of that name."""
        self.marked_at = self.world.clock.now()
        return _utc(self.marked_at)

    def point(self) -> str:
        """A moment with a name of the operator's, such as before a migration."""
        world = self.world
        name = f"p{len(self.steps)}"
        # What is acknowledged by now has to be there, and what is tried until the answer may be.
        world.ledger.read()
        must = world.ledger.at(time.time()).must
        world.psql(f"SELECT pg_create_restore_point('{name}')")
        world.ledger.read()
        expected = world.ledger.at(time.time())
        self.points.append((name, Expected(must=must, may=expected.must | expected.may)))
        return name

    def drill(self, share: float | str | None = None) -> str:
        """The newest state, and a point: a drawn one, one at a share of what can be restored, or the marked one.

        Of a time that the clock told twice it shows nothing, and says so; where that was set forward, so much is said
        to be lost.
        """
        moment = None if share is None else self.moment(share)
        words = ["--seed", str(len(self.steps))] if moment is None else ["--at", _utc(moment)]
        before = self.serving_rows()
        more = ("--output", str(self.world.folder / "drills"), "--json")
        said = self.world.hybrid("drill", *words, *more)
        if "is less than a second away from a marker" in said.stderr:
            said = self.world.hybrid("drill", *more)
        self._untouched(before)
        found: Any = json.loads(said.stdout) if said.stdout.strip() else {"faults": [_last(said)], "restores": []}
        missed = [
            f"{one['kind']}: {check['name']}: {check['detail']}"
            for one in found["restores"]
            for check in one["checks"]
            if not check["is_passed"]
        ]
        faults = [*found["faults"], *missed]
        if said.returncode and faults and all(map(self._is_by_the_clock, faults)):
            return f"refused: {'; '.join(faults)}"
        if said.returncode:
            raise Violation(f"drill {' '.join(words)}: {'; '.join(faults)}")
        return f"passed in {found['seconds']:.0f} s"

    def beside(self, kind: str, share: float | str = 0.5) -> str:
        """A restore into a new cluster, compared with what was acknowledged by then, and discarded."""
        if kind in ("copy", "as of"):
            source, expected = self._held(kind, float(share))
            return self._beside("latest", expected, *source)
        target, expected = self._target(kind, share)
        return self._beside(target, expected)

    def in_place(self, kind: str, share: float | str = 0.5) -> str:
        """Back to the newest state, or to a moment, by the book: plan, then act."""
        world = self.world
        target, expected = self._target(kind, share)
        words = ("restore", "--to", target, "--into", "main", "--replace", "main")
        plan = world.json(*words)
        loses = plan and plan["loses"]
        said = world.hybrid(*words, "--apply", "--json")
        if target == "latest":
            world.ledger.read()
            expected = world.ledger.at(time.time())
        if said.returncode:
            # The old one has to serve on.
            self._up()
            self.rows()
            raise Violation(f"restore in place to {target}: {_last(said)}; the plan said: loses {loses}")
        name = f"in place to {target} (the plan said: loses {loses or 'nothing'})"
        self._replaced(name, said, self._announced(expected, loses))
        return f"{target}: {len(world.ledger.era.base)} rows, the plan said: loses {loses}"

    def in_place_from(self, kind: str, share: float) -> str:
        """Back to the newest state that the copy of the repository has, or the repository had: what main has and
        they lack is told as the plan is made, and typed. It loses no more.
        """
        world = self.world
        source, held = self._held(kind, share)
        words = ["restore", "--to", "latest", "--into", "main", "--replace", "main", *source]
        planned_at, plan = time.time(), world.json(*words)
        loss = plan and plan["loss"]
        if loss:
            words += ["--accept-loss", str(loss["bytes"] + WRITTEN_MEANWHILE_BYTES)]
        said = world.hybrid(*words, "--apply", "--json")
        if said.returncode:
            self._up()
            self.rows()
            raise Violation(f"restore in place {' '.join(source)}: {_last(said)}; the plan said: {loss}")
        world.ledger.read()
        until_ = planned_at - (loss["seconds"] + CLOCK_SECONDS if loss else 0.0)
        told = {row.id for row in world.ledger.acked(world.ledger.era.began_at, until_)}
        name = f"in place {' '.join(source)} (the plan said: {loss or 'loses nothing'})"
        # What was written until main was stopped may have come there, too.
        known = world.ledger.at(time.time())
        self._replaced(name, said, Expected(must=held.must | told, may=known.must | known.may))
        return f"{' '.join(source)}: {len(world.ledger.era.base)} rows, the plan said: {loss}"

    def _replaced(self, name: str, said: subprocess.CompletedProcess[str], expected: Expected) -> None:
        """Another cluster is in main's place, and main is kept. It runs, also where main had ended."""
        self.ended_at = None
        tablespaces, self.tablespaces = self.tablespaces, {}
        began_at = self._began_at()
        self.world.ledger.read()
        self.kept[json.loads(said.stdout)["plan"]["keeps"]] = self.world.ledger.at(began_at), tablespaces
        self._new_era(name, began_at, expected)

    def standby_refuses(self) -> str:
        """What serves nobody is not replaced; it follows on."""
        said = self.world.hybrid(*TO_LATEST, "--apply", on=self.world.b)
        if said.returncode != 1 or "hybrid: " not in said.stderr:
            raise Violation(f"restore in place on a standby: {_last(said)}")
        if (answer := self.world.b.psql("SELECT pg_is_in_recovery()")) != "t":
            raise Violation(f"after a restore in place on it was refused, the standby answers {answer}")
        return _last(said)

    def orphan_tried(self) -> str:
        """A standby whose line was left is told from one that follows, before anybody is shut out. It may be one that
        had not come so far yet, and follows: then a, which has let nobody in, serves again.
        """
        world = self.world
        said = world.hybrid("local", "up", "--stop-serving", on=world.a)
        if said.returncode == 0:
            self._succeeds("local", "up", "--promote", on=world.a)
            self.timeline = world.timeline()
            return f"b follows; {self.rows()}"
        if "This stack serves on" not in said.stderr:
            raise Violation(f"up --stop-serving beside a standby that does not follow: {_last(said)}")
        return f"refused; {self.rows()}"

    def undone(self) -> str:
        """A restore in place whose cluster does not start: the old one serves again, with all that it had."""
        world = self.world
        before = self.serving_rows()
        with world.unstartable():
            said = world.hybrid(*TO_LATEST, "--apply")
        if said.returncode == 0 or "so the old data serve again" not in said.stderr:
            raise Violation(f"restore in place of what does not start: {_last(said)}")
        self.is_b_left, self.timeline = True, world.timeline()
        self._untouched(before)
        return f"{self.rows()} on timeline {self.timeline}"

    def opened(self, closes: bool) -> str:
        """Rows are read out of what the last restore in place took away: all that were acknowledged by then."""
        world = self.world
        names = [one["name"] for one in self._listing()["restored"] if one["name"] in self.kept]
        if not names:
            return "nothing is kept"
        before = self.serving_rows()
        said = self._succeeds("restore", "--open", names[-1], "--apply", "--json")
        port = json.loads(said)["cluster"]["port"]
        expected, tablespaces = self.kept[names[-1]]
        found = world.ids(port)
        faults = expected.faults(found)
        for name, sum_before in tablespaces.items():
            if (sum_now := self._sum(name, port)) != sum_before:
                faults.append(f"in_{name}: {sum_before} before, {sum_now} now")
        if closes:
            self._succeeds("restore", "--close", names[-1], "--apply")
        self._untouched(before)
        if faults:
            raise Violation(f"{names[-1]}: {'; '.join(faults)}")
        return f"{names[-1]}: {len(found)} rows{'' if closes else ', left open'}"

    def discard(self) -> str:
        """All that is kept beside main."""
        names = [one["name"] for one in self._listing()["restored"]]
        for name in names:
            self._succeeds("restore", "--discard", name, "--apply")
        return ", ".join(names) or "nothing was there"

    def killed_act(self, act: str, who: str, seconds: float) -> str:
        """A command, its engine or both are killed in the middle; the stack is brought up, and nothing is lost."""
        world = self.world
        before = self.serving_rows()
        words = {
            "backup": ("backup", "now"),
            "drill": ("drill", "--output", str(world.folder / "drills")),
            "beside": ("restore", "--to", "latest", "--into", "half", "--apply"),
            "in_place": (*TO_LATEST, "--apply"),
        }[act]
        self.is_b_left |= act == "in_place"
        process = world.started(*words)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            world.kill_act(process, who)
        said = process.communicate(timeout=COMMAND_SECONDS)[1].strip().splitlines()
        until(lambda: not world.engines())
        self._up()
        self.rows()
        if act != "in_place":
            self._untouched(before)
        return f"ended with {process.returncode}: {said[-1] if said else 'without a word'}"

    def lost_instance(self, is_polite: bool, tries: int = 1) -> str:
        """The root is gone, the store is not: after a `down`, as the runbook tries it, or at once."""
        world = self.world
        # A server that has ended tells nothing: what was not handed over by then may be lost with it.
        lost_at, told = self.ended_at or time.time(), self._told_lost()
        is_told = told is not None and not self.is_store_away
        is_archived = is_polite and lost_at - self.killed_at > ARCHIVER_SECONDS
        if is_polite:
            world.hybrid("local", "down")
        else:
            self.tablespaces.clear()
            world.kill("supervisor")
        was_loaded, timeline = world.is_loaded, self.timeline
        world.stop_load()
        world.lose_root(world.serving)
        if world.serving is world.b:
            # Its store is a's.
            self._succeeds("local", "up", on=world.a)
        for _ in range(tries):
            said = self._from_backups()
            if said.returncode == 0:
                break
        else:
            raise Violation(f"up --from-backups: {_last(said)}")
        self.is_store_away, self.ended_at, self.ended_part = False, None, ""
        expected, acked = world.ledger.at(time.time()), self._acked()
        if not is_archived:
            # What was told may be lost, by the clock; and where nothing was, or less by one that was set back, what is
            # not archived within the limit.
            at, since = world.clock.at, world.clock.at(lost_at) - (told or 0.0) - CLOCK_SECONDS
            back = world.clock.set_back(lost_at - 2 * LIMIT_SECONDS)
            limit = lost_at if is_told and not back else lost_at - LIMIT_SECONDS - back
            found = self._missing(world.archived(timeline), or_under_way=True)
            missing = [(row.id, row.acked_at or 0.0) for row in found]
            young = {number for number, acked_at in missing if acked_at > limit or at(acked_at) > since}
            expected = Expected(must=expected.must - young, may={*expected.may, *young})
        self._new_era(f"from backups, before which status told of {told} s", self._began_at(), expected)
        self._same_tables()
        if was_loaded:
            world.start_load_again()
        return f"{len(world.ledger.era.base)} rows; {len(acked)} were acknowledged in the era before"

    def _from_backups(self) -> subprocess.CompletedProcess[str]:
        """By the runbook; of b, whose backups are a's, by what the refusals say."""
        world = self.world
        said = world.hybrid("local", "up", "--from-backups")
        if world.serving is world.b and f"the backups of this stack are in {world.a.state}" in said.stderr:
            said = world.hybrid("local", "up")
            if "no demotion mark of the host that served before" in said.stderr:
                database.runtime(world.b.here).permit(PROMOTE_WITHOUT_MARK)
                said = world.hybrid("local", "up")
        return said

    def lost_bucket(self) -> str:
        """By the runbook: the stack is stopped, the bucket's folder is gone, `up` makes it anew with a full backup."""
        world = self.world
        was_loaded = world.is_loaded
        world.stop_load()
        world.hybrid("local", "down")
        if world.serving is world.b:
            world.hybrid("local", "down", on=world.a)
        world.lose_bucket()
        self.is_b_left = True
        answer = world.hybrid("local", "up", on=world.a)
        if "the backup repository can't be read, which would show whether another host" in answer.stderr:
            # Restored to a moment in which it was told not to serve, for b, which has been given up since.
            world.leave_to_serve(world.a)
        said = self._up()
        self.rows()
        if was_loaded:
            world.start_load_again()
        return said

    def standby_made(self) -> str:
        said = self.world.hybrid("local", "up", "--standby-of", str(self.world.a.state), on=self.world.b)
        if said.returncode:
            raise Violation(f"up --standby-of: {_last(said)}")
        self.is_b_left = False
        return "b follows a"

    def standby_removed(self) -> str:
        said = self.world.hybrid("local", "down", "--remove", on=self.world.b)
        if said.returncode:
            raise Violation(f"down --remove on b: {_last(said)}")
        return "b is removed"

    def standby_rebuilt(self, has_served: bool) -> str:
        """By the runbook: where it served last it stops serving, then it is made again from the backups."""
        world = self.world
        if has_served:
            said = world.hybrid("local", "up", "--stop-serving", on=world.b)
            if said.returncode:
                raise Violation(f"up --stop-serving on b: {_last(said)}")
        said = world.hybrid("local", "up", "--standby-of", str(world.a.state), "--rebuild", on=world.b)
        if said.returncode:
            raise Violation(f"up --rebuild: {_last(said)}")
        self.is_b_left = False
        return "b follows a again"

    def cut_over(self) -> str:
        """a stops serving, b is promoted; a row that a acknowledged is in b."""
        world = self.world
        was_loaded = world.is_loaded
        said = world.hybrid("local", "up", "--stop-serving", on=world.a)
        if said.returncode:
            raise Violation(f"up --stop-serving: {_last(said)}")
        world.stop_load()
        said = world.hybrid("local", "up", "--promote", on=world.b)
        if said.returncode:
            raise Violation(f"up --promote: {_last(said)}")
        expected = world.ledger.at(time.time())
        world.serving, self.ended_part = world.b, ""
        self._new_era("b serves", time.time(), expected)
        self.left_at = world.ledger.eras[-2].ended_at
        self._same_tables()
        if was_loaded:
            world.start_load_again()
        return f"b serves on timeline {world.timeline()} with {len(world.ledger.era.base)} rows"

    def cut_back(self) -> str:
        """b is given up, and a serves again by the leave that the refusal advises: b's own rows are lost, it says."""
        world = self.world
        was_loaded = world.is_loaded
        world.stop_load()
        world.hybrid("local", "down", on=world.b)
        said = world.hybrid("local", "up", "--promote", on=world.a)
        if said.returncode == 0:
            raise Violation("a serves again, and nobody said that b's rows are lost")
        if "another host was promoted since" not in said.stderr:
            raise Violation(f"up --promote on a: {_last(said)}")
        world.leave_to_serve(world.a)
        # From then on b's rows are not those of a moment, and nobody writes until it serves.
        began_at = time.time()
        said = world.hybrid("local", "up", "--promote", on=world.a)
        if said.returncode:
            raise Violation(f"up --promote with leave: {_last(said)}")
        world.serving, self.ended_part = world.a, ""
        # What was changed while b served is not in a.
        self.tablespaces.clear()
        assert self.left_at is not None
        self._new_era("a serves again", began_at, world.ledger.at(self.left_at - 0.001))
        if was_loaded:
            world.start_load_again()
        return f"a serves on timeline {world.timeline()} with {len(world.ledger.era.base)} rows"

    def migrate(self, number: int) -> str:
        """As `db migrate` does, with one that no other stack has."""
        world = self.world
        folder = world.folder / f"migration{number}"
        folder.mkdir()
        (folder / f"{number:04}_explored.sql").write_text(
            f"CREATE TABLE regulated.explored_{number} (id int); INSERT INTO regulated.explored_{number} VALUES (1);"
        )
        here = world.serving.here
        uri = database.conninfo(here, running(here), migrations.ROLE, here.ports.postgres)
        parameters = {name: str(value) for name, value in conninfo_to_dict(uri).items()}
        return ", ".join(migrations.apply(parameters, folder))

    # The site, which clients reach by way of the first stack's records and routes.

    def site_rollback(self) -> str:
        return self._led_to("vercel", "rollback")

    def site_restore(self) -> str:
        return self._led_to("worker", "restore")

    def site_killed(self, act: str, side: str, seconds: float) -> str:
        """The command is killed in the middle, and given again."""
        process = self.world.started("failover", act, "--execute")
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        self.world.kill_act(process, "command")
        process.communicate(timeout=COMMAND_SECONDS)
        return f"ended with {process.returncode}; {self._led_to(side, act)}"

    def _led_to(self, side: str, act: str) -> str:
        """What the database's clients have written is none of the site's business."""
        self._succeeds("failover", act, "--execute")
        self.side = side
        return f"{self.answered()}; {self.rows()}"

    def answered(self) -> str:
        """Nothing but these commands changes who answers: no loss, no restore, no `up`."""
        stack = self.world.a
        if not self.world.has_site or self.world.serving is not stack:
            return "no site"
        found = failover(stack.here, stack.host())
        if f" by {self.side}," not in found:
            raise Violation(f"the site's clients are to be answered by {self.side}: {found}")
        return found

    # Tablespaces.

    def tablespace(self, name: str, rows: int = 20_000) -> str:
        """One is created outside of the data directory, with a table."""
        folder = f"/var/lib/postgresql/{name}"
        made = database.runtime(self.world.serving.here).in_host(["mkdir", "-m", "700", folder])
        assert made.returncode == 0, made.stderr
        self.world.psql(
            f"CREATE TABLESPACE {name} LOCATION '{folder}'",
            f"CREATE TABLE public.in_{name} (id int PRIMARY KEY, v text) WITH (autovacuum_enabled = off)"
            f" TABLESPACE {name}",
            f"INSERT INTO public.in_{name} SELECT g, repeat('old', 200) FROM generate_series(1, {rows}) g",
            "CHECKPOINT",
        )
        self.tablespaces[name] = self._of_table(name)
        return f"{rows} rows in {folder}"

    def fill(self, name: str, word: str) -> str:
        """Every row of its table is changed, and room is made for it."""
        table = f"public.in_{name}"
        self.world.psql(f"UPDATE {table} SET v = repeat('{word}', 200)", f"VACUUM {table}", "CHECKPOINT")
        self.world.psql("SELECT pg_switch_wal()")
        self.tablespaces[name] = self._of_table(name)
        return self.tablespaces[name]

    def drop(self, name: str) -> str:
        self.world.psql(f"DROP TABLE public.in_{name}", f"DROP TABLESPACE {name}")
        del self.tablespaces[name]
        database.runtime(self.world.serving.here).in_host(["rmdir", f"/var/lib/postgresql/{name}"])
        return "dropped, and its folder removed"

    # Looks.

    def end(self, seed: int) -> str:
        """What has to hold after every sequence."""
        self.world.stop_load()
        said = [self.standing(), self._up(), self.rows(), self.anchored()]
        said += [self.would_be_lost(), self.repository(), self.status()]
        said += [self.answered(), self.windows(seed), self.fault(FAULTS[seed % len(FAULTS)])]
        return "; ".join(said)

    def standing(self) -> str:
        """What the sequence has left as it is is told before anybody mends it."""
        if self.ended_at is not None:
            return self._named("server")
        if self.is_store_away:
            self._switch()
            return self._named(*ARCHIVED)
        return self._told_ended() if self.ended_part else "nothing stands"

    def anchored(self) -> str:
        """Where no backup leads to what serves, as after a way back whose bucket was made anew meanwhile, status says
        that all would be lost; then one is taken.
        """
        if any(one["is_live"] for one in self._listing()["windows"]):
            return "a backup leads here"
        document = self.world.json("db", "status")
        (found,) = [one for one in document["findings"] if one["name"] == "would be lost"]
        if found["level"] != "critical":
            raise Violation(f"no backup leads to what serves, and status says: would be lost: {found['detail']}")
        return f"{found['detail']}; {self.backup('full')}"

    def _told_ended(self) -> str:
        part = self.ended_part
        until(lambda: not self._is_running(part))
        return self._named(part) if part == "pooler" else f"{part} does not run"

    def _is_running(self, part: str) -> bool:
        """In the words of `local status`."""
        parts = self.world.json("local", "status")["parts"]
        return any(one["name"] == part and one["state"] == PartState.RUNNING for one in parts)

    def fault(self, kind: str) -> str:
        """One that stands, until it is told; mended, it is told no longer."""
        self._up()
        if kind == "backup":
            return self._damaged_backup()
        if kind in CLIENTS_PARTS:
            self.kill(kind)
            said = self._told_ended()
            self._up()
            well = self._well(kind) if kind == "pooler" else f"it runs: {self._is_running(kind)}"
            return f"{kind}: {said}; {well}; {self.rows()}"
        if kind in ("postmaster", "supervisor"):
            self.kill(kind)
            said = self._named("server")
            self._up()
            return f"{kind}: {said}; {self._well('server')}; {self.rows()}"
        said = self._unarchived(kind)
        self._up()
        self._switch()
        return f"{kind}: {said}; {self._well(*ARCHIVED)}; {self.rows()}"

    def _unarchived(self, who: str) -> str:
        """The store has ended, or what hands the log over is stopped, until that is told."""
        if who == "store":
            self.world.kill(who)
            self._switch()
            return self._named(*ARCHIVED)
        self.world.send(who, signal.SIGSTOP)
        try:
            # What the checkpointer does after archive_timeout is not done for it.
            self._switch(is_forced=who != "checkpointer")
            return self._named(*ARCHIVED)
        finally:
            self.world.send(who, signal.SIGCONT)

    def _switch(self, *, is_forced: bool = True) -> None:
        """Something is there to be archived; by itself that takes archive_timeout."""
        self.world.psql("SELECT monitoring.mark()")
        if is_forced:
            self.world.psql("SELECT pg_switch_wal()")

    def _damaged_backup(self) -> str:
        """Of the newest one a file: `verify` says so, `backup list` shows it, and a restore takes another."""
        world = self.world
        self._succeeds("backup", "now", "--type", "full")
        with world.damaged_bundle() as label:
            said = world.hybrid("backup", "verify")
            if said.returncode != 1 or label not in said.stdout:
                raise Violation(f"backup verify: a file of {label} is damaged: {_last(said)}")
            if label not in self._unusable():
                raise Violation(f"backup list: {label} is damaged, and can be used")
            restored = self._beside(*self._target("latest", 1.0))
        self._succeeds("backup", "verify")
        if label in self._unusable():
            raise Violation(f"backup list: {label} is sound again, and shown as damaged")
        return f"damaged backup {label}: {restored}"

    def _unusable(self) -> list[str]:
        return [one["label"] for one in self._listing()["backups"] if one.get("damage")]

    def _named(self, *names: str) -> str:
        """Until status warns of one of these lines; of `server` when it has no answer."""
        return self._awaited(lambda found: [name for name in names if name in found], "status does not tell of a fault")

    def _well(self, *names: str) -> str:
        """Until it warns of none of them."""
        return self._awaited(
            lambda found: [] if {*names} & {*found} else ["all is well"], "the fault is mended, and status warns of it"
        )

    def _awaited(self, is_so: Callable[[list[str]], list[str]], fault: str) -> str:
        started = time.monotonic()
        while not (said := is_so(found := self._bad_lines())):
            if time.monotonic() - started > FAULT_SECONDS:
                raise Violation(f"{fault} after {FAULT_SECONDS} s; it warns of {', '.join(found) or 'nothing'}")
            time.sleep(2)
        return f"{', '.join(said)} after {time.monotonic() - started:.0f} s"

    def _bad_lines(self) -> list[str]:
        document = self.world.json("db", "status")
        if document is None or document["reason"]:
            return ["server"]
        return [one["name"] for one in document["findings"] if one["level"] != "ok"]

    def rows(self) -> str:
        """Every acknowledged row is in the cluster that serves, once; and nothing else."""
        world = self.world
        world.ledger.read()
        expected = world.ledger.at(time.time())
        found = world.ids()
        world.ledger.read()
        # What was tried meanwhile may be there as well.
        faults = Expected(must=expected.must, may=world.ledger.at(time.time()).may).faults(found)
        if faults:
            raise Violation("; ".join(faults))
        return f"{len(found)} rows"

    def would_be_lost(self) -> str:
        """What status says of it is no less than what the rows say; nor, once all is archived that waited, far more."""
        before, told = self._behind(), self._told_lost()
        # Some may have been archived in between.
        behind = min(before, self._behind())
        if told is not None and told < behind - CLOCK_SECONDS:
            raise Violation(f"{behind:.0f} s of acknowledged rows are not in the repository; status tells of {told} s")
        # A marker is a commit, too; and one from before the clock was set forward is as old as it tells.
        limit = LIMIT_SECONDS + self._span()
        started, now = time.monotonic(), told
        while (now or 0.0) > self._behind() + limit:
            if time.monotonic() - started > FAULT_SECONDS:
                raise Violation(f"all but {self._behind():.0f} s are in the repository; status tells of {now} s")
            time.sleep(2)
            now = self._told_lost()
        return f"{behind:.1f} s are not in the repository, {told} s are told"

    def repository(self) -> str:
        """How long it takes until the newest acknowledged row is in the repository."""
        world = self.world
        world.ledger.read()
        acked = [row for row in self._acked() if row.lsn is not None]
        if not acked:
            return "nothing was written"
        newest = max(acked, key=lambda row: row.acked_at or 0)
        assert newest.acked_at is not None
        # PostgreSQL switches the segment when the clock tells that archive_timeout is over (checkpointer.c,
        # CheckArchiveTimeout): set back, it tells that so much later.
        limit = LIMIT_SECONDS + world.clock.set_back(newest.acked_at - LIMIT_SECONDS)
        while newest in (missing := self._missing(world.archived(self.timeline))):
            behind = time.time() - newest.acked_at
            if behind > limit:
                raise Violation(
                    f"{behind:.0f} s after it was acknowledged, the newest row is not in the repository, nor are"
                    f" {len(missing) - 1} more of {len(acked)}; status warns of {self._warnings() or 'nothing'}"
                )
            time.sleep(1)
        return f"in the repository {time.time() - newest.acked_at:.0f} s after its acknowledgement at most"

    def status(self) -> str:
        """Nothing is critical on a stack that is well, and what would be lost is told."""
        document = self.world.json("db", "status")
        critical = {one["name"] for one in document["findings"] if one["level"] == "critical"}
        behind = self._behind()
        warned = self._warned(document)
        if behind > LIMIT_SECONDS and not warned:
            raise Violation(
                f"{behind:.0f} s of acknowledged rows are not in the repository, and status warns of nothing"
            )
        if critical and not self.is_store_away and behind <= LIMIT_SECONDS:
            raise Violation(f"status is critical on a stack that is well: {', '.join(sorted(critical))}")
        return f"{behind:.0f} s would be lost, warned of: {', '.join(warned) or 'nothing'}"

    def windows(self, seed: int, count: int = 3) -> str:
        """Random moments in the windows are restored exactly; one in each hole is refused."""
        if self.moment(1.0) is None:
            raise Violation("backup list: nothing can be restored")
        draw = random.Random(seed)
        said = [self._beside(*self._target("time", draw.random())) for _ in range(count)]
        for since, until_ in self.holes():
            target = _utc(since + (until_ - since) * draw.random())
            answer = self.world.hybrid("restore", "--to", target, "--into", "hole")
            if answer.returncode == 0:
                raise Violation(f"{target}: is in no window, and its restore is planned as if nothing were missing")
            said.append(f"{target} is refused")
        return "; ".join(said)

    # What they are made of.

    def moments(self) -> list[tuple[float, float]]:
        """What `backup list` says can be restored, from the first era on, in seconds; what is live, up to now."""
        listing = self._listing()
        # Where the clock was set back, a window may end before it begins.
        now = _seconds(listing["now"])
        found = [
            (_seconds(one["from"]), now if one["is_live"] else _seconds(one["until"])) for one in listing["windows"]
        ]
        first = self.world.ledger.eras[0].began_at
        return [(max(since, first), end) for since, end in found if end > first]

    def holes(self) -> list[tuple[float, float]]:
        """Those that `backup list` names, a little apart from their edges."""
        found = [(_seconds(one["from"]), _seconds(one["until"])) for one in self._listing()["holes"]]
        return [(a + EDGE_SECONDS, b - EDGE_SECONDS) for a, b in found if b - a > 2 * EDGE_SECONDS]

    def moment(self, share: float | str) -> float | None:
        """The marked moment, or that up to which this share of all that can be restored has gone by, served.

        None where there is none yet: nothing is archived since the first backup, as without an archiver.
        """
        if isinstance(share, str):
            return self.marked_at
        spans = self._served()
        rest = sum(end - since for since, end in spans) * share
        for since, end in spans:
            if rest <= end - since:
                return since + rest
            rest -= end - since
        return spans[-1][1] if spans else None

    def _served(self) -> list[tuple[float, float]]:
        told, now = self.world.clock.told, time.time()
        eras = [span for one in self.world.ledger.eras for span in told(one.began_at, one.ended_at or now)]
        parts = [(max(a, c), min(b, d)) for a, b in self.moments() for c, d in eras]
        return [(since, end) for since, end in parts if since < end]

    def _target(self, kind: str, share: float | str) -> tuple[str, Expected]:
        """As `--to` takes it, and the rows that there have to be."""
        world = self.world
        moment = None if kind == "latest" else self.moment(share)
        # What was tried up to then is written down by now.
        world.ledger.read()
        if moment is None:
            return "latest", world.ledger.at(time.time())
        if kind == "time":
            return _utc(moment), self._at(moment)
        if kind == "name":
            name, expected = self.points[-1]
            return f"name:{name}", expected
        # By the clock, the row that is next to the moment may be one from before the backup.
        spans = self._served()
        placed = [
            row
            for row in self._acked()
            if row.lsn is not None and any(since < world.clock.at(row.tried_at) < end for since, end in spans)
        ]
        rows = sorted(placed, key=lambda row: abs(world.clock.at(row.tried_at) - moment))
        if not rows:
            return "latest", world.ledger.at(time.time())
        if kind == "xid":
            return f"xid:{rows[0].xid}", world.ledger.around(rows[0])
        assert rows[0].lsn is not None
        return f"lsn:{rows[0].lsn >> 32:X}/{rows[0].lsn & 0xFFFFFFFF:X}", _without(
            world.ledger.around(rows[0]), rows[0]
        )

    def _at(self, moment: float) -> Expected:
        """What there was when the clock told this; where it did so twice, either, and what lies between."""
        found = [self.world.ledger.at(real) for real in self.world.clock.reals(moment)]
        musts, mays = [one.must for one in found], [one.must | one.may for one in found]
        return Expected(must=frozenset.intersection(*map(frozenset, musts)), may=frozenset().union(*mays))

    def _held(self, kind: str, share: float) -> tuple[tuple[str, ...], Expected]:
        """The options that choose the copy of the repository, or it as it was at a share of this era; and its rows."""
        world = self.world
        world.ledger.read()
        since = world.ledger.era.began_at
        moment = None if kind == "copy" else since + (time.time() - since) * share
        if moment is not None and not world.archived(self.timeline, moment):
            # Nothing of this era was there yet.
            moment = time.time()
        archived = world.archived(self.timeline, moment, is_copy=kind == "copy")
        missing = {row.id for row in self._missing(archived, or_under_way=True)}
        known = world.ledger.at(time.time())
        expected = Expected(must=known.must - missing, may=known.must | known.may)
        return ("--from", "copy") if moment is None else ("--as-of", _utc(moment)), expected

    def _beside(self, target: str, expected: Expected, *source: str) -> str:
        world = self.world
        before = self.serving_rows()
        words = ("restore", "--to", target, "--into", "copy", *source, "--apply", "--json")
        said = world.hybrid(*words)
        self._untouched(before)
        if said.returncode:
            raise Violation(f"restore beside to {' '.join((target, *source))}: {_last(said)}")
        if target == "latest":
            # What was acknowledged before the command has to be there; what was since may be.
            world.ledger.read()
            expected = Expected(
                must=expected.must, may=world.ledger.at(time.time()).must | world.ledger.at(time.time()).may
            )
        found = world.ids(json.loads(said.stdout)["cluster"]["port"])
        faults = expected.faults(found)
        self._succeeds("restore", "--discard", "copy", "--apply")
        words_ = " ".join((target, *source))
        if faults:
            raise Violation(f"restore beside to {words_}: {'; '.join(faults)}")
        return f"{words_}: {len(found)} rows, exact"

    def serving_rows(self) -> dict[str, str]:
        """Of the tables that nobody writes to meanwhile: what their rows add up to, and their files on the disk."""
        return {
            name: f"{self._of_table(name)}, files {self.world.checksum(self._location(name))}"
            for name in self.tablespaces
        }

    def _untouched(self, before: dict[str, str]) -> None:
        after = self.serving_rows()
        changed = [
            f"in_{name}: {before[name]} before, {after[name]} after" for name in before if before[name] != after[name]
        ]
        if changed:
            raise Violation(f"rows of the cluster that serves have changed: {'; '.join(changed)}")

    def _location(self, name: str) -> str:
        """The folder of a tablespace: a restored one has another than it was created in."""
        return self.world.psql(f"SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = '{name}'")

    def _same_tables(self) -> None:
        """After another cluster began to serve, which has files of its own."""
        changed = [
            f"in_{name}: {before} before, {after} after"
            for name, before in self.tablespaces.items()
            if (after := self._of_table(name)) != before
        ]
        if changed:
            raise Violation(f"rows of the cluster that serves have changed: {'; '.join(changed)}")

    def _of_table(self, name: str) -> str:
        """How many rows and keys there are, and their values; read from the disk, and what was seen is on it again."""
        self.world.psql(
            "CREATE EXTENSION IF NOT EXISTS pg_buffercache",
            f"SELECT count(pg_buffercache_evict(bufferid)) FROM pg_buffercache"
            f" WHERE relfilenode = pg_relation_filenode('public.in_{name}')",
        )
        found = self._sum(name)
        self.world.psql("CHECKPOINT")
        return found

    def _sum(self, name: str, port: int | None = None) -> str:
        return self.world.psql(
            "SET enable_indexscan = off; SET enable_indexonlyscan = off; SET enable_bitmapscan = off",
            "SELECT count(*) || ' rows, ' || count(DISTINCT id) || ' keys, ' || string_agg(DISTINCT left(v, 3), ' ')"
            f" || ' ' || sum(hashtext(v)) FROM public.in_{name}",
            port=port,
        ).strip()

    def _new_era(self, name: str, began_at: float, expected: Expected) -> None:
        """Of the cluster that serves from now on, whose rows have to be these, beside those written since."""
        world = self.world
        self.is_b_left, self.timeline = True, world.timeline()
        self.points.clear()
        found = world.ids()
        world.ledger.read()
        since = {row.id for row in world.ledger.rows.values() if row.tried_at >= began_at}
        base = frozenset(number for number in found if number not in since)
        expected = Expected(must=expected.must - since, may=expected.may | world.ledger.kept_waiting(began_at))
        faults = expected.faults([number for number in found if number not in since])
        world.ledger.begin(began_at=began_at, base=base, name=name)
        if faults:
            raise Violation(f"{name}: {'; '.join(faults)}")

    def _began_at(self) -> float:
        """When the server was started, which was just now."""
        told = until(lambda: self.world.psql("SELECT extract(epoch FROM pg_postmaster_start_time())"))
        return float(told) - self.world.clock.offset

    def _announced(self, expected: Expected, loses: str | None) -> Expected:
        """Without the rows that the plan says would not come back: so many seconds of the newest ones."""
        seconds = re.search(r"(\d[\d,]*(?:\.\d+)?) s\b", loses or "")
        if seconds is None:
            return expected
        acked = sorted(self._acked(), key=lambda row: row.acked_at or 0)
        last = acked[-1].acked_at if acked else None
        if last is None:
            return expected
        # By the clock, which may have been set back since.
        since = self.world.clock.at(last) - float(seconds[1].replace(",", ""))
        young = {row.id for row in acked if row.acked_at and self.world.clock.at(row.acked_at) >= since}
        return Expected(must=expected.must - young, may={*expected.may, *young})

    def _is_by_the_clock(self, fault: str) -> bool:
        """Whether the clock was set, and that is all that a drill has found."""
        if SET_BACK in fault:
            return self.world.clock.set_back(self.world.ledger.eras[0].began_at) > 0
        # What was committed before it was set forward is as old as it tells.
        found = re.search(r"([\d.]+) s would be lost, (\d+) s may", fault)
        return found is not None and float(found[1]) - self._span() <= float(found[2])

    def _span(self) -> float:
        """Between the least and the most that the clock was ahead."""
        offsets = [offset for _, offset in self.world.clock.steps]
        return max(offsets) - min(offsets)

    def _acked(self) -> list[Row]:
        return list(self.world.ledger.acked(self.world.ledger.era.began_at))

    def _missing(self, archived: int, *, or_under_way: bool = False) -> list[Row]:
        found = self.world.ledger.later_than(archived, or_under_way=or_under_way)
        return sorted(found, key=lambda row: row.acked_at or 0)

    def _behind(self) -> float:
        """Seconds since the oldest acknowledged row was acknowledged that the repository lacks."""
        self.world.ledger.read()
        if self.is_store_away:
            return 0.0
        missing = self._missing(self.world.archived(self.timeline))
        if not missing:
            return 0.0
        oldest = missing[0].acked_at or 0.0
        # The product knows the time by the clock alone, which may have been set back.
        return max(min(time.time() - oldest, self.world.clock.now() - self.world.clock.at(oldest)), 0.0)

    def _told_lost(self) -> float | None:
        """Seconds of commits that status says would be lost; None where it can't say."""
        document = self.world.json("db", "status") or {"findings": []}
        return next((one["value"] for one in document["findings"] if one["name"] == "would be lost"), None)

    def _warnings(self) -> str:
        return ", ".join(self._warned(self.world.json("db", "status")))

    def _warned(self, document: Any) -> list[str]:
        """What it says of the log's way to the repository; a database that does not answer hands over none."""
        if document is None or document["reason"]:
            return ["no answer"]
        names = ("archiv", "lost", "WAL", "recovery point")
        return [
            f"{one['name']} {one['level']} ({one['detail']})"
            for one in document["findings"]
            if one["level"] != "ok" and any(name in one["name"] for name in names)
        ]

    def _count(self) -> str:
        return f"{self._written()} rows acknowledged in this era"

    def _written(self) -> int:
        self.world.ledger.read()
        return len(self._acked())

    def _listing(self) -> Any:
        return json.loads(self._succeeds("backup", "list", "--json"))

    def _up(self) -> str:
        world = self.world
        if world.serving is not world.a:
            # Its store is a's.
            self._succeeds("local", "up", on=world.a)
        self.is_store_away, self.ended_at, self.ended_part = False, None, ""
        said = self._succeeds("local", "up", of_errors=True).splitlines()[-1]
        # A server that began anew by itself may still be recovering.
        until(world.is_answering)
        self.timeline = world.timeline()
        return said

    def _succeeds(self, *words: str, of_errors: bool = False, on: StackUnderTest | None = None) -> str:
        said = self.world.hybrid(*words, on=on)
        if said.returncode:
            raise Violation(f"{' '.join(words)}: {_last(said)}")
        return said.stderr if of_errors else said.stdout


def _without(expected: Expected, row: Row) -> Expected:
    """Its commit comes after the position that was asked within its transaction."""
    return Expected(must=expected.must - {row.id}, may={*expected.may, row.id})


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _last(said: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{said.stdout}\n{said.stderr}".splitlines() if line.strip()]
    faults = [line for line in lines if line.startswith("hybrid: ")]
    return f"exit {said.returncode}: {' | '.join(faults or lines[-3:])[:1000]}"
