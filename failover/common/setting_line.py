"""One setting of a stack's file, changed as text.

The rollback's wheel brings no YAML parser, and writing the file out with PyYAML would drop its comments.
"""

import re
from pathlib import Path

CONFIG = re.compile(r"^config:[ ]*(#.*)?$", re.M)


def settings_file(stack: str, start: Path) -> Path | None:
    """The stack's file in the checkout that `start` lies in; None outside of one."""
    for folder in (start, *start.parents):
        file = folder / f"Pulumi.{stack}.yaml"
        if (folder / "Pulumi.yaml").is_file():
            return file if file.is_file() else None
    return None


def changed_text(text: str, key: str, value: str) -> str | None:
    """The file's text with the setting changed; None where it is there twice, or there is no plain `config:`."""
    line = rf"^(?P<head>[ ]+(?P<quote>[\"']?){re.escape(key)}(?P=quote):[ ]*)(?P<value>[^\s#]*)(?P<tail>[ ]*(#.*)?)$"
    found = list(re.finditer(line, text, re.M))
    if len(found) == 1:
        one = found[0]
        return f"{text[: one.start()]}{one['head']}{value}{one['tail']}{text[one.end() :]}"
    sections = list(CONFIG.finditer(text))
    if found or len(sections) != 1:
        return None
    end = sections[0].end()
    return f"{text[:end]}\n  {key}: {value}{text[end:]}"
