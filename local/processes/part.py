"""A part of a local stack: one program that runs in the foreground."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.processes.processes import PART


@dataclass(frozen=True, kw_only=True)
class Part:
    """A program that stays in the foreground. A change of any field starts it anew."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Added to PATH, HOME and LANG, which are all that parts get of the caller's. May hold secrets."""
    stop_signal: str = "TERM"
    """Sent to the part's own process, which ends its helpers; KILL, which it can't see, to its whole group."""
    stop_seconds: int = 10
    """After this the kernel ends the part and its process group."""
    contents: tuple[str, ...] = ()
    """Hashes of what the part reads when it starts (`content_hash`)."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9-]*", self.name):
            raise ValueError(f"part {self.name!r}: a name is small letters, digits and dashes")
        if not self.command:
            raise ValueError(f"part {self.name}: has no command")

    @property
    def fingerprint(self) -> str:
        facts = [self.command, sorted(self.environment.items()), self.contents]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()

    def specification(self, order: int) -> dict[str, Any]:
        """What `start_part.py` and `SupervisorFiles` read; `order` is the place among the parts."""
        return {
            "name": self.name,
            "order": order,
            "command": self.command,
            "environment": {**self.environment, PART: self.name},
            "stop_signal": self.stop_signal,
            "stop_seconds": self.stop_seconds,
            "fingerprint": self.fingerprint,
        }


def content_hash(*paths: Path) -> str:
    """Hash of files, and of all files in folders, by name and content."""
    total = hashlib.sha256()
    for path in paths:
        files = sorted(child for child in path.rglob("*") if child.is_file()) if path.is_dir() else [path]
        for file in files:
            total.update(f"{file.relative_to(path.parent)}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()
