"""Where commands write for programs and files."""

from pathlib import Path

from components.errors import HybridError


def write(text: str, path: Path | None) -> None:
    """To the file, or to stdout where none is named. Raises HybridError."""
    if path is None:
        print(text, end="")
        return
    try:
        path.write_text(text)
    except OSError as error:
        raise HybridError(f"{path}: can't be written: {error.strerror}") from error
