"""Where an operation keeps what it leaves behind."""

from dataclasses import dataclass
from pathlib import Path

JOURNAL = "failover-journal.jsonl"


@dataclass(frozen=True, kw_only=True)
class Place:
    ids: Path
    journal: Path

    @classmethod
    def of(cls, ids: Path, journal: Path | None = None) -> "Place":
        """Beside the file of ids, unless a journal is named."""
        return cls(ids=ids, journal=journal or ids.parent / JOURNAL)

    @property
    def lock(self) -> Path:
        return self.journal.with_suffix(".lock")

    @property
    def evidence(self) -> Path:
        return self.journal.parent / "drills"
