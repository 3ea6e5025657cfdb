"""Where an operation keeps what it leaves behind: for each stack apart."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

JOURNAL = "failover-journal"


@dataclass(frozen=True, kw_only=True)
class Place:
    ids: Path
    stack: str
    journal: Path
    older: Path | None = None
    """A journal of all stacks together, as earlier versions kept it: read, never written."""

    @classmethod
    def of(cls, ids: Path, journal: Path | None = None, *, stack: str) -> "Place":
        """Beside the file of ids, unless a journal is named."""
        if journal:
            return cls(ids=ids, stack=stack, journal=journal)
        name = f"{JOURNAL}-{quote(stack, safe='')}.jsonl"
        return cls(ids=ids, stack=stack, journal=ids.parent / name, older=ids.parent / f"{JOURNAL}.jsonl")

    @property
    def lock(self) -> Path:
        return self.journal.with_suffix(".lock")

    @property
    def evidence(self) -> Path:
        """Of all stacks: the files name theirs."""
        return self.journal.parent / "drills"
