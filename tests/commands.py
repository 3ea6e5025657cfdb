"""Runs `./hybrid` as an operator does."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def hybrid(*arguments: str, environment: dict[str, str] | None = None, seconds: int = 300) -> "Result":
    """Runs a command to its end."""
    finished = subprocess.run(
        [str(ROOT / "hybrid"), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "160", **(environment or {})},
    )
    return Result(finished.returncode, finished.stdout, finished.stderr)


class Result:
    """Exit code and what was said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"
