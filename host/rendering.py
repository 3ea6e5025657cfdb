"""Files written from templates, whole and checked before they replace what was there."""

import hashlib
from collections.abc import Generator
from io import StringIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pyinfra.api.command import StringCommand
from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File, Sha256File
from pyinfra.operations import files

from host.grammar import fault
from host.refusal import RefusedError

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)


def render(template: str, **values: Any) -> str:
    """The template's text; a value that the template names and nobody gave is an error."""
    return TEMPLATES.get_template(template).render(**values)


@operation()
def written(
    text: str, path: str, owner: str, mode: str, check: str | None = None, grammar: str | None = None
) -> Generator[Any, None, None]:
    """Make `path` hold `text`: a reader sees the old file or the new one, never a part.

    `check` is a command in which {} stands for the new file; when it fails, the old file stays. `grammar` is for files
    that no program checks: a regular expression that every line has to match as a whole.
    """
    wrong = fault(text, grammar) if grammar is not None else None
    if wrong:
        raise RefusedError(path, f"{wrong}; the file is left as it is")
    present = host.get_fact(File, path=path)
    has_mode = present and (present["user"], present["mode"]) == (owner, int(mode))
    if has_mode and host.get_fact(Sha256File, path=path) == hashlib.sha256(text.encode()).hexdigest():
        host.noop(f"{path} is as wanted")
        return
    fresh = f"{path}.new"
    yield from files.put._inner(src=StringIO(text), dest=fresh, user=owner, group=owner, mode=mode, force=True)
    if check:
        yield StringCommand(check.format(fresh))
    yield StringCommand("mv", fresh, path)
