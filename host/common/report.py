"""What came of one stage of the playbook: printed by host.apply as JSON, read by whoever started it."""

from dataclasses import field

from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Failure:
    operation: str
    error: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.error}"


@dataclass(kw_only=True)
class Report:
    """With --dry: what would come of it."""

    changed: list[str] = field(default_factory=list)
    """Names of operations."""
    unchanged: int = 0
    failed: list[Failure] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)
    """Services, as `reload`."""
    reload: list[str] = field(default_factory=list)
    may_go_on: bool = False
    """Whether later stages run although something failed."""

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do, and nothing is left to be done."""
        return not (self.changed or self.failed or self.restart or self.reload)


def parse(text: str) -> Report:
    """Raises ValueError."""
    return TypeAdapter(Report).validate_json(text)
