"""Runs programs, and `./hybrid` as an operator does."""

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]
SURROUNDINGS = {"NO_COLOR": "1", "COLUMNS": "160"}


def ran(argv: Sequence[str | Path], **changes: Any) -> subprocess.CompletedProcess[str]:
    """A program that has ended: what it printed, as text. `changes` are subprocess.run's."""
    usual: dict[str, Any] = {"cwd": ROOT, "timeout": 300}
    return subprocess.run(argv, capture_output=True, text=True, **(usual | changes))


def hybrid(*arguments: str, environment: dict[str, str] | None = None, seconds: int = 300) -> "Result":
    """Runs a command to its end."""
    variables = {**os.environ, **SURROUNDINGS, **(environment or {})}
    finished = ran([ROOT / "hybrid", *arguments], timeout=seconds, env=variables)
    return Result(finished.returncode, finished.stdout, finished.stderr)


def answered(*arguments: str) -> "Result":
    """Like `hybrid`, in this process: for what a command answers before it does anything."""
    finished = in_this_process({**os.environ, **SURROUNDINGS}, *arguments)
    return Result(finished.returncode, finished.stdout, finished.stderr)


def in_this_process(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """What a command says and returns, without a new interpreter: that takes half a second of processor time.

    Not for one that has other programs write for it. At least one test of each command gives it its own process.
    """
    # What it imports is the product's whole command line.
    from scripts.__main__ import main

    argv = ["./hybrid", *arguments]
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, environment, clear=True),
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code: object = main()
        except SystemExit as end:
            code = end.code
    assert isinstance(code, int), code
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


class Result:
    """Exit code and what was said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"
