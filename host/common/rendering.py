"""Files written from templates, whole and checked before they replace what was there; or refused."""

import hashlib
import re
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

_ROLE = r"[a-z_][a-z0-9_]*"
# PostgreSQL reads a wrong line only when it is asked to reload, and then goes on with the old ones until it restarts.
CLIENT_RULES_GRAMMAR = (
    rf"#.*|local (all|{_ROLE}) {_ROLE} (peer( map={_ROLE})?|scram-sha-256)"
    rf"|hostssl {_ROLE} {_ROLE} [0-9a-f.:]+/\d+ scram-sha-256( clientcert=verify-full)?"
)
USER_MAP_GRAMMAR = rf"#.*|{_ROLE} {_ROLE} {_ROLE}"
POOLER_GRAMMAR = r"|;.*|\[[a-z]+\]|[a-z_][a-z0-9_]* = \S.*"
POOLER_PASSWORDS_GRAMMAR = rf'"{_ROLE}" "SCRAM-SHA-256\$[^"]+"'
BACKUPS_GRAMMAR = r"|#.*|\[[A-Za-z0-9_:-]+\]|[a-z0-9-]+=\S.*"
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)


class RefusedError(Exception):
    """`operation` would harm, or can't be done as things are; the message says why and what would help."""

    def __init__(self, operation: str, message: str, *, may_go_on: bool = False) -> None:
        super().__init__(message)
        self.operation = operation
        self.may_go_on = may_go_on
        """The later stages make sense all the same."""


def grammar_fault(text: str, grammar: str) -> str | None:
    """Names the first line that does not match the grammar by its number, since it may hold a secret."""
    for number, line in enumerate(text.splitlines(), 1):
        if not re.fullmatch(grammar, line):
            return f"line {number} is not what such a file may hold"
    return None


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
    wrong = grammar_fault(text, grammar) if grammar is not None else None
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
