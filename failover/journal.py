"""What was going to be changed and what has been, on disk before and after each change."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from failover.clock import stamp
from failover.errors import FailoverError
from failover.files import flush_folder

OPERATION = "operation"


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An operation that was cut short."""

    id: str
    act: str
    via: str
    started_at: str
    steps: tuple[str, ...]
    """Steps begun, the last one perhaps not done."""
    is_drill: bool

    def __str__(self) -> str:
        last = f", in step {self.steps[-1]!r}" if self.steps else ", before its first change"
        return f"{self.act} {self.id} of {self.started_at} was cut short{last}"


@dataclass(frozen=True)
class Journal:
    """JSON lines; a line that was being written when the machine stopped does not count."""

    path: Path

    def write(self, operation: str, step: str, phase: str, **details: Any) -> None:
        """One line, on disk before this returns. Raises FailoverError: what can't be noted is not done."""
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
        try:
            raw = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise FailoverError(f"{self.path}: the journal can't be read: {error.strerror}") from error
        found = []
        for text in raw.split(b"\n"):
            try:
                line = json.loads(text)
            except ValueError:
                continue
            if isinstance(line, dict) and {"operation", "step", "phase", "at"} <= line.keys():
                found.append(line)
        return found

    def unfinished(self) -> Unfinished | None:
        """The newest operation, where it did not come to its end."""
        lines = self.lines()
        begun = [line for line in lines if line["step"] == OPERATION and line["phase"] == "begin"]
        if not begun:
            return None
        first = begun[-1]
        own = [line for line in lines if line["operation"] == first["operation"]]
        if any(line["step"] == OPERATION and line["phase"] != "begin" for line in own):
            return None
        return Unfinished(
            id=str(first["operation"]),
            act=str(first.get("act", "")),
            via=str(first.get("via", "")),
            started_at=str(first["at"]),
            steps=tuple(line["step"] for line in own if line["step"] != OPERATION and line["phase"] == "begin"),
            is_drill=bool(first.get("is_drill")),
        )

    def last(self) -> dict[str, Any] | None:
        """The newest operation's last word."""
        ends = [line for line in self.lines() if line["step"] == OPERATION and line["phase"] == "done"]
        return ends[-1] if ends else None

    def last_scripts(self, since: str) -> dict[str, str]:
        """Script by route id, as a rollback since that moment found it: newer than what the ids say."""
        return {
            line["route"]: line["before"]
            for line in self.lines()
            if line["at"] >= since and line.get("route") and line.get("before") and line["phase"] == "begin"
        }
