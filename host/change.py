"""One concern of a database and what brings it about."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Change:
    """Named as people would; no statements when nothing is to be done."""

    name: str
    statements: tuple[str, ...]
