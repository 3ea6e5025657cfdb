"""Exemptions: what a rule may let pass, for which resource, why, on whose word and until when."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

FILE = Path(__file__).resolve().parent / "exemptions.yaml"
# The gate judges exemptions itself, to say which are unused; its packs then report every violation.
LEFT_TO_THE_GATE = "HYBRID_EXEMPTIONS_LEFT_TO_THE_GATE"


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """One, as written in the file and found sound."""

    rule: str
    resource: str
    """Pattern of the URN, with * for any text."""
    reason: str
    owner: str
    expires: date

    def covers(self, rule: str, urn: str) -> bool:
        return self.rule == rule and fnmatchcase(urn, self.resource)

    @property
    def words(self) -> str:
        return f"exempted until {self.expires.isoformat()} by {self.owner}: {self.reason}"


def granted() -> Sequence[Exemption]:
    """Those that a pack applies on the engine. Raises GateError for a file with a fault, so that the pack stays shut."""
    return () if os.environ.get(LEFT_TO_THE_GATE) else read(FILE)


def read(path: Path) -> Sequence[Exemption]:
    """All of a file. Raises GateError that names every fault."""
    return () if not path.exists() else ()
