"""What was going to be changed and what has been: on disk before and after each change, and where."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from durable.files import flush_folder
from failover.common.clock import stamp
from failover.common.errors import FailoverError
from failover.common.files import content

OPERATION, DRILL = "operation", "drill"
# A hundred thousand operations.
MOST_BYTES = 256 << 20
JOURNAL_NAME = "failover-journal"


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where an operation keeps what it leaves behind: for each stack apart."""

    stack: str
    journal: Path
    older: Path | None = None
    """A journal of all stacks together, as earlier versions kept it: read, never written."""

    @classmethod
    def of(cls, ids: Path, journal: Path | None = None, *, stack: str) -> "Paths":
        """Paths beside the file of ids, unless a journal is named."""
        if journal:
            return cls(stack=stack, journal=journal)
        name = f"{JOURNAL_NAME}-{quote(stack, safe='')}.jsonl"
        return cls(stack=stack, journal=ids.parent / name, older=ids.parent / f"{JOURNAL_NAME}.jsonl")

    @property
    def lock(self) -> Path:
        return self.journal.with_suffix(".lock")

    @property
    def evidence(self) -> Path:
        """Folder for the evidence of all stacks: file names have the stack."""
        return self.journal.parent / "drills"


@dataclass(frozen=True, kw_only=True)
class CutShort:
    """An operation, or a whole drill, that did not come to its end."""

    id: str
    act: str
    """`rollback`, `restore`, or `drill`."""
    started_at: str
    last: str
    """How far it had come."""
    is_drill: bool

    def __str__(self) -> str:
        return f"{self.act} {self.id} of {self.started_at} was cut short, {self.last}"


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An operation that was cut short, and the hosts for which it is still open."""

    operations: tuple[CutShort, ...]
    """Operations that were cut short, at least one, the newest first."""
    ids: frozenset[str]
    """Whose locks may have been left behind: a drill's operations too."""

    @property
    def id(self) -> str:
        return ", ".join(one.id for one in self.operations)

    @property
    def is_drill(self) -> bool:
        """Whether all of it was only a drill."""
        return all(one.is_drill for one in self.operations)

    @property
    def next_step(self) -> str:
        """The commands that finish it or back it out."""
        if self.is_drill:
            return "`restore --execute` backs it out, and so does the next drill"
        act = self.operations[0].act
        other = "restore" if act == "rollback" else "rollback"
        return f"`{act} --execute` finishes it, `{other} --execute` backs it out"

    def __str__(self) -> str:
        return "; ".join(map(str, self.operations))


@dataclass(kw_only=True)
class _Logged:
    """One operation or drill as its lines tell it."""

    begin: dict[str, Any]
    lines: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        return str(self.begin["operation"])

    @property
    def drill(self) -> str | None:
        """The drill that it is a part of."""
        return self.begin.get("drill")

    @property
    def hosts(self) -> set[str]:
        return set(self.begin.get("hosts") or ())

    @property
    def is_refused(self) -> bool:
        """Whether it was refused: it has changed nothing, and so ends nothing either."""
        return self.end is not None and self.end["phase"] == "refused"

    @property
    def is_restored(self) -> bool:
        is_restore = self.begin.get("act") == "restore"
        return is_restore and self.end is not None and self.end.get("result") == "switched"

    def last(self, parts: list["_Logged"]) -> str:
        if parts:
            newest = parts[-1]
            act = newest.begin.get("act")
            return f"after its {act}" if newest.end else f"in its {act}, {newest.last([])}"
        steps = [line["step"] for line in self.lines if line["phase"] == "begin"]
        return f"in step {steps[-1]!r}" if steps else "before its first change"

    def cut_short(self, parts: list["_Logged"]) -> CutShort:
        is_whole = self.begin["step"] == DRILL
        return CutShort(
            id=self.id,
            act=DRILL if is_whole else str(self.begin.get("act", "")),
            started_at=str(self.begin["at"]),
            last=self.last(parts),
            is_drill=is_whole or bool(self.begin.get("is_drill")),
        )


@dataclass(frozen=True)
class Journal:
    """JSON lines; a line that was being written when the machine stopped does not count.

    `write` and `lines` know the whole file, the rest what concerns these hosts of this stack (None: all). `drill` is
    the drill that asks: to its own operations it is not one that was cut short.
    """

    path: Path
    stack: str | None = None
    hosts: tuple[str, ...] | None = None
    older: Path | None = None
    drill: str | None = None

    def write(self, operation: str, step: str, phase: str, **details: Any) -> None:
        """Appends a line, which is on disk when this returns. Raises FailoverError: what can't be noted is not done."""
        line = {"at": stamp(details.pop("moment")), "operation": operation, "step": step, "phase": phase, **details}
        text = json.dumps(line, ensure_ascii=False)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            with self.path.open("ab") as file:
                # First the end of a line that a kill may have left torn; an empty line is skipped when reading.
                file.write(f"\n{text}\n".encode() if not is_new else f"{text}\n".encode())
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                flush_folder(self.path.parent)
        except OSError as error:
            raise FailoverError(
                f"{self.path}: the journal can't be written ({error.strerror}); name another with --journal"
            ) from error

    def lines(self) -> list[dict[str, Any]]:
        """Every whole line, oldest first. Raises FailoverError where the file can't be read."""
        return [*_lines(self.older), *_lines(self.path)]

    def unfinished(self) -> Unfinished | None:
        """Operations of each host that are newer than its newest finished one; another host's does not finish it."""
        logged = [one for one in self._logged() if not one.is_refused]
        level = [one for one in logged if one.drill in (None, self.drill) and one.id != self.drill]
        found: dict[str, _Logged] = {}
        for host in self.hosts or {host for one in level for host in one.hosts}:
            for one in reversed(level):
                if host not in one.hosts:
                    continue
                if one.end:
                    break
                found[one.id] = one
        if not found:
            return None
        newest = [one for one in reversed(level) if one.id in found]
        parts = {one.id: [part for part in logged if part.drill == one.id] for one in newest}
        return Unfinished(
            operations=tuple(one.cut_short(parts[one.id]) for one in newest),
            ids=frozenset(found) | {part.id for some in parts.values() for part in some},
        )

    def last(self) -> dict[str, Any] | None:
        """The newest operation's last line."""
        ends = [one.end for one in self._logged() if one.end and one.end["step"] == OPERATION and not one.is_refused]
        return ends[-1] if ends else None

    def last_scripts(self, declared: Mapping[str, str]) -> dict[str, str]:
        """Script by route id, where a rollback that is in force found another than the file of ids names.

        `declared` is what the file names. Where it names another than at the rollback, it has been looked up since.
        That is judged by what it says and not by its date: this machine's clock may be wrong, and a look-up while
        the route is blank finds no script.
        """
        found: dict[str, tuple[str, str | None]] = {}
        for one in self._logged():
            named = one.begin.get("scripts") or {}
            changes = [line for line in one.lines if line.get("route") and line["phase"] == "begin"]
            for line in changes:
                script = line.get("after") or line.get("before")
                if script:
                    found[line["route"]] = (script, named.get(line["route"]))
            if one.is_restored:
                for route in {*named, *(line["route"] for line in changes)}:
                    found.pop(route, None)
        return {
            route: script
            for route, (script, then) in found.items()
            if route in declared and then in (None, declared[route])
        }

    def _logged(self) -> list[_Logged]:
        """Oldest first."""
        found: dict[str, _Logged] = {}
        for line in self.lines():
            known = found.get(line["operation"])
            if line["step"] in (OPERATION, DRILL) and line["phase"] == "begin":
                found[line["operation"]] = _Logged(begin=line)
            elif known and line["step"] == known.begin["step"]:
                known.end = line
            elif known:
                known.lines.append(line)
        return [one for one in found.values() if self._is_ours(one)]

    def _is_ours(self, one: _Logged) -> bool:
        """Whether it is of this stack; decided by the hosts where an earlier version did not note the stack."""
        is_of_stack = self.stack is None or one.begin.get("stack", self.stack) == self.stack
        return is_of_stack and (self.hosts is None or not one.hosts.isdisjoint(self.hosts))


def _lines(path: Path | None) -> list[dict[str, Any]]:
    if path is None:
        return []
    try:
        raw = content(path, MOST_BYTES)
    except FileNotFoundError:
        return []
    found = []
    for text in raw.split(b"\n"):
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"operation", "step", "phase", "at"} <= line.keys():
            found.append(line)
    return found
