"""Watches what a program sees while it is recorded, so that only what depends on the listed inputs is remembered.

By Python's audit events, of which all count that are not known to be harmless, and by standing in for functions that
look at the machine without one. It keeps nothing from the program, and is no wall against one that hides.
"""

import functools
import getpass
import importlib
import io
import os
import platform
import random
import resource
import secrets
import sys
import sysconfig
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import BuiltinMethodType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, TextIO

from plan.inputs import COMPILED, Inputs, stamped

# Of Python's own working, or of what touches nothing outside of the process.
HARMLESS = frozenset(
    {
        "_thread.start_new_thread",
        "builtins.id",
        "code.__new__",
        "compile",
        "function.__new__",
        "glob.glob",
        "glob.glob/2",
        "marshal.dumps",
        "marshal.loads",
        "object.__delattr__",
        "object.__getattr__",
        "object.__setattr__",
        "pathlib.Path.glob",
        "pathlib.Path.rglob",
        "pickle.find_class",
        "socket.__new__",
        "sys._current_frames",
        "sys._getframe",
        "sys.excepthook",
        "sys.set_asyncgen_hook_finalizer",
        "sys.set_asyncgen_hook_firstiter",
        "sys.settrace",
        "sys.unraisablehook",
        "time.sleep",
    }
)
# Whose first argument is the path that is looked at.
LOOKS = frozenset({"open", "os.listdir", "os.scandir"})
# The same, of functions without an event.
UNAUDITED = ("stat", "lstat", "access", "readlink")
# In the hash, the environment as well as the working folder.
PLACES = frozenset({"getcwd", "getcwdb", "getenv", "getenvb"})
OF_THE_MACHINE = (
    "confstr",
    "cpu_count",
    "fstatvfs",
    "pathconf",
    "process_cpu_count",
    "sched_getaffinity",
    "statvfs",
    "sysconf",
    "times",
    "uname",
    "urandom",
)


def _functions(module: ModuleType, names: Iterable[str]) -> tuple[str, ...]:
    """Names of a module's functions in this version of Python; without types, from which others may be derived."""
    return tuple(
        name for name in names if isinstance(getattr(module, name, None), FunctionType | MethodType | BuiltinMethodType)
    )


# Told by no event: when it is, what chance says, who and where this is.
CHANGING: tuple[tuple[ModuleType, tuple[str, ...]], ...] = (
    (time, _functions(time, vars(time).keys() - {"mktime", "sleep", "strptime", "tzset"})),
    (os, _functions(os, [name for name in vars(os) if name.startswith("get") and name not in PLACES])),
    (os, _functions(os, OF_THE_MACHINE)),
    (random, _functions(random, random.__all__)),
    (secrets, _functions(secrets, secrets.__all__)),
    (uuid, _functions(uuid, ("uuid1", "uuid4", "uuid6", "uuid7", "uuid8", "getnode"))),
    (platform, _functions(platform, ("node", "uname", "platform", "release", "version", "machine", "processor"))),
    (getpass, ("getuser",)),
    (resource, ("getrlimit", "getrusage")),
)
# And methods of types that nobody can stand in for, and types that draw by chance unless they are told how.
CLOCKS = frozenset({"now", "today", "utcnow", "Random", "SystemRandom"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_FROZEN = "<frozen "
_IMPORT = (f"{_FROZEN}importlib", os.path.dirname(importlib.__file__))
RECORDER = os.path.dirname(os.path.abspath(__file__))


class Watch:
    """What a process, and those that it forks, see while `looking`."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._is_looking = False
        self._looked_at: set[tuple[str, Any, bool]] = set()
        self._unlisted: set[str] = set()
        paths = [*sysconfig.get_paths().values(), *(path for path in sys.path if path.endswith(".zip"))]
        self._libraries = tuple({*paths, *map(os.path.realpath, paths)})
        # The connection to the engine has clocks of its own; it hands on what it is given.
        self._transport = tuple(os.path.join(path, "grpc") for path in self._libraries)

    def install(self) -> None:
        """Watches for the rest of this process; an audit hook can't be removed."""
        sys.addaudithook(self._hook())
        sys.stdout, sys.stderr = (_Noting(self._say, stream) for stream in (sys.stdout, sys.stderr))
        for name in UNAUDITED:
            _replace(os, name, functools.partial(self._looking_by, name))
        for module, names in CHANGING:
            for name in names:
                _replace(module, name, functools.partial(self._asking, f"{module.__name__}.{name}"))

    @contextmanager
    def looking(self) -> Iterator[None]:
        self._is_looking = True
        try:
            yield
        finally:
            self._is_looking = False

    def result(self) -> dict[str, Any]:
        """What was seen and is not listed, described, what is listed by its name, and the stamps of libraries' files.

        Ends the looking: this looks, too.
        """
        self._is_looking = False
        read = {str(module.__file__) for module in [*sys.modules.values()] if getattr(module, "__file__", None)}
        unlisted, single_files = set(self._unlisted), set()
        for event, path, is_import in self._looked_at:
            real = path if self._is_library(path) else os.path.realpath(os.path.join(self._inputs.folder, path))
            if self._is_library(real):
                read.add(_source(real))
            elif real in self._inputs.single_files:
                single_files.add(real)
            elif not (_is_in(real, self._inputs.trees) or self._may_look(event, real, is_import)):
                unlisted.add(f"{event}: {path}")
        return {
            "unlisted": sorted(unlisted),
            "single_files": sorted(single_files),
            "libraries": stamped(sorted(filter(self._is_library, read))),
        }

    def _hook(self) -> Callable[[str, tuple[Any, ...]], None]:
        """Called some 300,000 times for a recording, nearly always for nothing."""
        harmless = HARMLESS

        def hook(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in harmless and self._is_looking:
                self._heard(event, arguments)

        return hook

    def _say(self) -> None:
        """Notes that something was printed: a remembered plan would not print it again."""
        if self._is_looking:
            self._unlisted.add("output")

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "exec":
            self._executed(arguments[0])
            return
        is_import = sys._getframe(2).f_code.co_filename.startswith(_IMPORT)
        if event == "import":
            # Of a module that is no Python it names the file.
            self._look("open", arguments[1], is_import)
        elif event in LOOKS and not (event == "open" and (arguments[2] or 0) & _WRITING):
            self._look(event, arguments[0], is_import)
        elif not is_import:
            # An import may write what it has compiled.
            self._unlisted.add(event)

    def _look(self, event: str, path: Any, is_import: bool) -> None:
        """A number is of a file that was opened before."""
        if path is not None and not isinstance(path, int):
            self._looked_at.add((event, os.fsdecode(path), is_import))
        elif path is None and event == "os.listdir":
            self._looked_at.add((event, ".", is_import))

    def _executed(self, code: CodeType) -> None:
        if self._is_program(code.co_filename):
            self._unlisted.update(f"{name}()" for name in CLOCKS & _names(code))

    def _looking_by(self, event: str, real: Callable[..., Any], path: Any, *more: Any, **options: Any) -> Any:
        if self._is_looking:
            self._look(event, path, is_import=False)
        return real(path, *more, **options)

    def _asking(self, name: str, real: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Libraries ask a lot that no plan depends on; not where the program called them, but for an import."""
        frame = sys._getframe(1) if self._is_looking else None
        while frame and not self._is_program(file := frame.f_code.co_filename):
            is_its_own = file.startswith(_IMPORT) or _is_in(file, self._transport)
            frame = None if is_its_own else frame.f_back
        if frame:
            self._unlisted.add(name)
        return real(*arguments, **options)

    def _is_program(self, name: str) -> bool:
        """Whether code is the program's, by the file that it was imported from; some has none."""
        return not name.startswith(_FROZEN) and not _is_in(name, (*self._libraries, RECORDER))

    def _is_library(self, path: str) -> bool:
        return _is_in(path, self._libraries)

    def _may_look(self, event: str, real: str, is_import: bool) -> bool:
        """Reads that are allowed though not listed: names that are in the hash, and nothing at all."""
        locations = self._inputs.locations
        if is_import and event == "os.listdir":
            return real in locations or real in self._inputs.above
        if is_import and os.path.basename(os.path.dirname(real)) == COMPILED:
            # Compared with the source by plan/child_process.py.
            return _is_in(real, locations)
        is_above = any(_is_in(path, (real,)) for path in (*self._inputs.trees, *locations, *self._libraries))
        return real == os.devnull or (event in UNAUDITED and is_above)


class _Noting(io.TextIOWrapper):
    """A stream that tells when something is written to it."""

    def __init__(self, note: Callable[[], None], stream: TextIO) -> None:
        super().__init__(stream.buffer, stream.encoding, stream.errors, write_through=True)
        self._note = note

    def write(self, text: str) -> int:
        self._note()
        return super().write(text)


def _replace(module: ModuleType, name: str, stand_in: Callable[..., Any]) -> None:
    """A partial of the real one, which is asked in the end."""
    real = getattr(module, name)
    given = functools.partial(stand_in, real)
    setattr(module, name, functools.update_wrapper(given, real))
    for known in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks, os.supports_effective_ids):
        if real in known:
            known.add(given)


def _is_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _names(code: CodeType) -> set[str]:
    """Every name that this code and its functions load."""
    inner = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return {*code.co_names, *(name for one in inner for name in _names(one))}


def _source(path: str) -> str:
    """The source of a compiled file, which an import compares it with."""
    folder, name = os.path.split(path)
    if os.path.basename(folder) != COMPILED:
        return path
    return os.path.join(os.path.dirname(folder), f"{name.partition('.')[0]}.py")
