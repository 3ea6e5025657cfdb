"""Templates of all pictures, and widths of texts, so that none runs into another."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

# Of a system's sans-serif font at 12 px; a little generous, because fonts differ from machine to machine.
NARROW, USUAL, WIDE = 4.7, 7.4, 11.0
_NARROW, _WIDE = frozenset("iljtfrI.,:;'|!()[] -"), frozenset("mwMWGOQ@%→—")
CLASSES = ("regulated", "personal", "public", "none", "not-declared")
"""Of data, as they are coloured."""
# Literal ones: what draws an SVG outside of a browser knows no CSS variables, and fills with black.
PALETTES: dict[str, dict[str, str]] = {
    "light": {
        "back": "#ffffff",
        "ink": "#1b1f24",
        "quiet": "#59636e",
        "line": "#d6dbe1",
        "card": "#ffffff",
        "sea": "#e9f1f7",
        "land": "#d5e8d4",
        "abroad": "#d3d8de",
        "border": "#23683a",
        "regulated": "#0a58ca",
        "personal": "#8a3ffc",
        "public": "#0f7b6c",
        "none": "#7a848e",
        "fault": "#c4271d",
        "on": "#ffffff",
        "not-declared": "#c4271d",
    },
    "dark": {
        "back": "#14181d",
        "ink": "#e8ebee",
        "quiet": "#9aa5b1",
        "line": "#3c4650",
        "card": "#1c2229",
        "sea": "#18222c",
        "land": "#24402c",
        "abroad": "#2c333b",
        "border": "#6cc287",
        "regulated": "#5b9dff",
        "personal": "#bd93ff",
        "public": "#3fc2ae",
        "none": "#8d98a3",
        "fault": "#ff6b5e",
        "on": "#10141a",
        "not-declared": "#ff6b5e",
    },
    "paper": {
        "back": "#ffffff",
        "ink": "#000000",
        "quiet": "#444c55",
        "line": "#b8c0c8",
        "card": "#ffffff",
        "sea": "#ffffff",
        "land": "#e4f0e3",
        "abroad": "#e6e9ec",
        "border": "#1d5730",
        "regulated": "#0a58ca",
        "personal": "#6f2fd0",
        "public": "#0c6558",
        "none": "#69737d",
        "fault": "#b3221a",
        "on": "#ffffff",
        "not-declared": "#b3221a",
    },
}


def templates(folder: Path) -> Environment:
    """Templates of SVG: values are escaped, and a missing one is an error."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=True,
    )
    environment.globals |= {"PALETTES": PALETTES, "CLASSES": CLASSES}
    return environment


TEMPLATES = templates(Path(__file__).with_name("templates"))


def width(text: str, size: float = 12.0) -> float:
    """Width of a text in the picture's units."""
    sizes = (NARROW if letter in _NARROW else WIDE if letter in _WIDE else USUAL for letter in text)
    return sum(sizes) * size / 12.0


def wrapped(words: str, room: float, first_room: float, size: float = 12.0) -> list[str]:
    """Lines of a list of names, none cut but one that is wider than a whole line; the first may have less room."""
    lines = [""]
    for word in words.split(" "):
        line = f"{lines[-1]} {word}".strip()
        if width(line, size) <= (first_room if len(lines) == 1 else room):
            lines[-1] = line
        else:
            lines.append(fitted(word, room, size))
    return lines


def fitted(text: str, room: float, size: float = 12.0) -> str:
    """The text, cut with an ellipsis where they are wider than the room."""
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip(" ,(") + "…" if text else ""
