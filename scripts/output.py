"""Where commands write: for programs, for files and for people."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from components.common.errors import HybridError

if TYPE_CHECKING:
    from rich.console import Console

# Without a terminal there is no width to keep to; wrapped rows are hard to search and to compare.
WIDTH_OF_FILES = 160

Output = Annotated[Path | None, typer.Option("--output", metavar="FILE", help="Write here, not to stdout.")]


def write(text: str, path: Path | None) -> None:
    """Writes to the file, or to stdout where none is named. Raises HybridError."""
    if path is None:
        print(text, end="")
        return
    try:
        path.write_text(text)
    except OSError as error:
        raise HybridError(f"{path}: can't be written: {error.strerror}") from error


def write_json(document: Any, path: Path | None = None) -> None:
    """Writes JSON as `write` does; indented, for people read it, too."""
    import json

    write(json.dumps(document, indent=2, ensure_ascii=False) + "\n", path)


def require_svg(path: Path | None, option: str) -> None:
    """Raises typer.BadParameter for the name of another kind of picture: readers go by it."""
    if path and path.suffix not in ("", ".svg"):
        raise typer.BadParameter(f"'{path}': is written as SVG; allowed: a name that ends in .svg", param_hint=option)


def tell(text: str) -> None:
    """A line for people, beside what a program may read."""
    print(text, file=sys.stderr, flush=True)


def unwritten(error: OSError) -> str:
    """One line on what can't be written, how much is free there, and what to do."""
    if not isinstance(error.filename, str):
        return f"standard output or a temporary file can't be written: {error.strerror}"
    import shutil

    from database.figures import size

    found = shutil.disk_usage(Path(error.filename).parent)
    return (
        f"{error.filename}: can't be written: {error.strerror}: {size(found.free)} of {size(found.total)} are free;"
        " make room on that disk, then give the command again: docs/runbooks/database.md, Full disk"
    )


def console() -> "Console":
    """Standard output for people; colours only on a terminal, and never with NO_COLOR."""
    # --help does without it.
    from rich.console import Console

    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if is_known else WIDTH_OF_FILES)
