"""Templates of all pictures, and widths of texts, so that none runs into another."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

# Of a system's sans-serif font at 12 px; a little generous, because fonts differ from machine to machine.
NARROW, USUAL, WIDE = 4.7, 7.4, 11.0
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[] -"), frozenset("mwMWGOQ@%→—")


def templates(folder: Path) -> Environment:
    """Templates of SVG: values are escaped, and a missing one is an error."""
    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )


TEMPLATES = templates(Path(__file__).with_name("templates"))


def width(text: str, size: float = 12.0) -> float:
    """Width of a text in the picture's units."""
    sizes = (NARROW if letter in _NARROW else WIDE if letter in _WIDE else USUAL for letter in text)
    return sum(sizes) * size / 12.0


def fitted(text: str, room: float, size: float = 12.0) -> str:
    """The text, cut with an ellipsis where they are wider than the room."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip(" ,(") + "…" if text else ""
