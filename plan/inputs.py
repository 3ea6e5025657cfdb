"""All that a recorded plan is made from, and what a policy pack answers, as lists, and their hash.

The same inputs give the same. What a process sees beyond them (plan/watch.py) can't be compared later; then nothing is
remembered.
"""

import contextlib
import hashlib
import json
import os
import site
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from components.edge import bundle_sources
from plan.memory import Memory
from plan.project import ROOT

# Changed with how something is remembered.
FORMAT = 1
# Of the project's folder: the program, what it packs into the hosts' bundles, and the bundles of the Workers and the
# site. Its settings, of which other stacks have others, count as the program gets them.
PROGRAM = ("*.py", "components/", "host/", "durable/", "apps/*/dist/")
# Of the project that records, which may be another: the recorder, what it and the program import from there, and what
# the installed packages were taken from.
RECORDER = ("plan/", "components/", "durable/", "host/specification/", "requirements.lock")
# Of this project, for packs: the rules and what they import. Not the exemptions, which the gate weighs itself.
PACKS = ("policies/*.py", "policies/*/", "plan/", "components/", "durable/", "host/specification/", "requirements.lock")
# All that either process gets of the caller's environment: where shared libraries are, and whether the tests' coverage
# is measured.
VARIABLES = ("LD_LIBRARY_PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
# Besides, it is the same everywhere: the order of sets, the encoding of texts, the time zone.
GIVEN = {
    bundle_sources.CHECKED: "1",
    "PYTHONPATH": str(ROOT),
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "PYTHONCOERCECLOCALE": "0",
    "TZ": "UTC",
}
COMPILED = "__pycache__"
# Path, number, size, and when content and entry were last changed.
Stamp = tuple[str, int, int, int, int]


def environment() -> dict[str, str]:
    """What the process gets. Credentials stay out: what it can't see it can't leak."""
    return {name: os.environ[name] for name in VARIABLES if name in os.environ} | GIVEN


def stamped(paths: Iterable[str]) -> dict[str, list[int]]:
    """Size and time of change of libraries' files, which are too many to be read; nothing of what is not there."""
    found = {}
    for path in paths:
        try:
            facts = os.stat(path)
            found[path] = [facts.st_size, facts.st_mtime_ns]
        except OSError:
            found[path] = []
    return found


@dataclass(frozen=True)
class Inputs:
    """What a process depends on. Everything is read when it is first asked for, and once."""

    folder: Path
    """Where it works."""
    lists: tuple[tuple[Path, tuple[str, ...]], ...]

    @classmethod
    def of_program(cls, folder: Path) -> "Inputs":
        """Inputs of recordings of the project in `folder`."""
        return cls(folder, ((folder, PROGRAM), (ROOT, RECORDER)))

    @classmethod
    def of_packs(cls) -> "Inputs":
        return cls(ROOT, ((ROOT, PACKS),))

    def key(self, task: Any) -> str:
        """Cache key of a task's result; the task is plain data. Empty if an input can't be read."""
        try:
            return _hash([self.hash, task])
        except OSError:
            return ""

    def recall(self, memory: Memory, key: str) -> str | None:
        """What is remembered under a key, unless the libraries that were read have been changed since, by hand."""
        found = memory.read(key) if key else None
        if found is None:
            return None
        libraries, _, text = found.partition("\n")
        known = json.loads(libraries)
        return text if stamped(known) == known else None

    def keep(self, memory: Memory, texts: Mapping[str, str], seen: Mapping[str, Any]) -> None:
        """Remembers texts by key, unless their process has read what is not an input, or an input changed meanwhile."""
        if seen["unlisted"] or not self.single_files.issuperset(seen["single_files"]):
            return
        with contextlib.suppress(OSError):
            if Inputs(self.folder, self.lists)._is_as(self):
                for key, text in texts.items():
                    if key:
                        memory.write(key, f"{json.dumps(seen['libraries'])}\n{text}")

    def prepare(self) -> None:
        """Makes what an import would make in the folders, whose stamps it would change; to be called first of all."""
        for folder, _, names in (found for top in self.trees for found in os.walk(top)):
            if os.path.basename(folder) != COMPILED and any(name.endswith(".py") for name in names):
                with contextlib.suppress(OSError):
                    os.mkdir(os.path.join(folder, COMPILED))

    @cached_property
    def hash(self) -> str:
        return _hash([FORMAT, self.locations, _python(), environment(), self._contents])

    def _is_as(self, other: "Inputs") -> bool:
        """Whether nothing was changed in between, nor changed and changed back."""
        return (self.hash, self._stamps) == (other.hash, other._stamps)

    @cached_property
    def trees(self) -> tuple[str, ...]:
        """Folders in which every file is an input, by their real paths."""
        return tuple(dict.fromkeys(os.path.realpath(path) for path, name in self._tops if name.endswith("/")))

    @cached_property
    def single_files(self) -> frozenset[str]:
        return frozenset(os.path.realpath(path) for path, name in self._tops if not name.endswith("/"))

    @cached_property
    def above(self) -> frozenset[str]:
        """Folders in which only some names count, every module's among them."""
        return frozenset(os.path.realpath(path.parent) for path, _ in self._tops)

    @cached_property
    def locations(self) -> list[str]:
        """Paths of the project and of this code: a program may declare where it is."""
        return [str(self.folder), os.path.realpath(self.folder), str(ROOT)]

    @cached_property
    def _tops(self) -> list[tuple[Path, str]]:
        """Existing inputs, and how they are listed: a name that ends with a slash is a folder's."""
        named = [(folder, name) for folder, names in self.lists for name in names]
        found = [(path, name) for folder, name in named for path in sorted(folder.glob(name.rstrip("/")))]
        return [(path, name) for path, name in found if path.name != COMPILED and (path.is_dir() or name[-1] != "/")]

    @cached_property
    def _files(self) -> list[str]:
        """All of them, and the folders, which differ when one is added or goes."""
        return list(dict.fromkeys(found for path, _ in self._tops for found in _walk(path)))

    @cached_property
    def _contents(self) -> list[Any]:
        # A module or package beside the program would be imported instead of an installed one.
        beside = [sorted(filter(_is_importable, os.listdir(folder))) for folder in (self.folder, ROOT)]
        return [beside, [(stamp[0], content) for stamp, content in self._read]]

    @property
    def _stamps(self) -> list[Stamp]:
        return [stamp for stamp, _ in self._read]

    @cached_property
    def _read(self) -> list[tuple[Stamp, str]]:
        return [(_stamp(path), _content(path)) for path in self._files]


def _is_importable(name: str) -> bool:
    return name != COMPILED and (name.isidentifier() or name.endswith((".py", ".so", ".dist-info", ".egg-info")))


def _walk(top: Path) -> Iterator[str]:
    yield str(top)
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != COMPILED)
        yield from (os.path.join(folder, name) for name in sorted((*folders, *names)))


def _content(path: str) -> str:
    """Content of a file; for a link its target, and the content there where that is a file."""
    if os.path.islink(path):
        there = _content(os.path.realpath(path)) if os.path.isfile(path) else "no file"
        return f"link {os.readlink(path)}: {there}"
    if os.path.isdir(path):
        return "folder"
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _stamp(path: str) -> Stamp:
    """A folder's tells that a file came and went."""
    facts = os.lstat(path)
    return path, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns


def _python() -> list[Any]:
    """The interpreter and the packages that are installed for it, by name and version."""
    packages = [sorted(os.listdir(folder)) for folder in site.getsitepackages() if os.path.isdir(folder)]
    return [sys.version, sys.executable, sys.prefix, sys.base_prefix, list(sys.flags), packages]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
