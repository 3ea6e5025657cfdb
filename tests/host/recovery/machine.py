"""A host in a folder, with data directories that are empty folders; nothing runs in it."""

from pathlib import Path
from typing import Any

from host.recovery.machine import Machine
from host.specification.reading import parse
from tests.host.specs import spec


def machine(root: Path, **changes: Any) -> Machine:
    """Keyword changes go into the specification itself."""
    made = Machine(root, parse(spec() | changes))
    made.path(made.clusters).mkdir(parents=True)
    return made


def cluster(on: Machine, name: str, **files: str) -> Path:
    """Its files' names with _ for what they have of other signs."""
    folder = on.path(on.clusters / name)
    folder.mkdir()
    (folder / "whose").write_text(name)
    for file, text in files.items():
        (folder / file.replace("_", "-")).write_text(text)
    return folder


def names(on: Machine) -> list[str]:
    return sorted(path.name for path in on.path(on.clusters).iterdir())


def whose(on: Machine, name: str) -> str:
    """The name that a cluster was made under."""
    return (on.path(on.clusters / name) / "whose").read_text()
