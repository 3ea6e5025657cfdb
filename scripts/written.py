"""Where commands write for programs and files."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from components.common.errors import HybridError

Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here, not to stdout.")]


def write(text: str, path: Path | None) -> None:
    """To the file, or to stdout where none is named. Raises HybridError."""
    if path is None:
        print(text, end="")
        return
    try:
        path.write_text(text)
    except OSError as error:
        raise HybridError(f"{path}: can't be written: {error.strerror}") from error


def write_json(document: Any, path: Path | None = None) -> None:
    """As `write`; for people, too, so it is indented."""
    import json

    write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", path)


def tell(text: str) -> None:
    """A line for people, beside what a program may read."""
    print(text, file=sys.stderr, flush=True)
