"""What a process that records or judges sets up before it works: when it ends, and how it imports."""

import contextlib
import ctypes
import hashlib
import importlib
import importlib.util
import marshal
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from plan.project import ROOT

_PR_SET_PDEATHSIG = 1
# Of what is compiled, beside Python's own, which stays as it is.
KIND = "bycontent"
DIGEST_BYTES = hashlib.sha256().digest_size
# Packages whose __init__ only gathers one module for each resource. Without this they are imported whole.
GATHERING = re.compile(r"pulumi_cloudflare|pulumi_aws\.[a-z0-9]+")
MODULE = re.compile(r"^from \.(\w+) import \*$", re.MULTILINE)
NESTED = ("_inputs", "_enums")
OUTPUTS = "outputs"


def end_with_parent(parent: int | None = None) -> None:
    """Ends this process when the thread that started it ends; at once where that is past and `parent` says who it was.

    Linux only; elsewhere it does nothing.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def import_from_source(folder: Path) -> None:
    """Imports modules of `folder` and of this project as their sources are, also where something compiled is there.

    To Python a compiled file is new when its source has kept its length and was changed within the same second. Then
    the program that runs would not be the one whose hash is known; here it is compared by content. What is installed
    in these folders is left to Python.
    """
    files = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (_FromSource, SOURCE_SUFFIXES))

    def finder(path: str) -> Any:
        here = Path(path)
        if "site-packages" in here.parts or not any(here.is_relative_to(root) for root in (folder, ROOT)):
            raise ImportError(f"{path}: is not of the project")
        return files(path)

    hooks: list[Callable[[str], Any]] = sys.path_hooks
    hooks.insert(0, finder)
    sys.path_importer_cache.clear()


def import_quickly() -> None:
    """Imports of the providers' libraries, of which the program needs a thirtieth, only what is asked for."""
    sys.meta_path.insert(0, _PartsFinder())


class _FromSource(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        # What is compiled knows its path and its Python.
        digest = hashlib.sha256(b"\0".join((MAGIC_NUMBER, path.encode(), source))).digest()
        compiled = cache_from_source(path, optimization=KIND)
        with contextlib.suppress(OSError):
            found = self.get_data(compiled)
            if found.startswith(digest):
                code: CodeType = marshal.loads(memoryview(found)[DIGEST_BYTES:])
                return code
        made: CodeType = self.source_to_code(source, path)
        # As a whole, or not at all.
        self.set_data(compiled, digest + marshal.dumps(made))
        return made


class _PartsFinder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not GATHERING.fullmatch(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.submodule_search_locations and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _InParts(spec.loader)
        return spec


class _InParts(Loader):
    def __init__(self, whole: SourceFileLoader) -> None:
        self._whole = whole

    def exec_module(self, module: ModuleType) -> None:
        source = self._whole.get_source(module.__name__) or ""
        vars(module)["__getattr__"] = _Asked(module, self._whole, MODULE.findall(source))


class _Asked:
    """A package's `__getattr__`: imports the module of a resource when the resource is asked for."""

    def __init__(self, package: ModuleType, whole: SourceFileLoader, modules: Sequence[str]) -> None:
        self._package = package
        self._whole = whole
        self._modules = {module.replace("_", ""): module for module in modules}
        self._nested = [module for module in NESTED if module in modules]

    def __call__(self, name: str) -> Any:
        """A class from the module called like it, else from those of nested values; anything else by the whole."""
        if name.startswith("_"):
            raise AttributeError(f"module {self._package.__name__!r} has no attribute {name!r}")
        if name == OUTPUTS and importlib.util.find_spec(f"{self._package.__name__}.{name}"):
            return self._module(name)
        for module in self._candidates(name):
            found = getattr(self._module(module), name, None)
            if isinstance(found, type):
                setattr(self._package, name, found)
                return found
        del vars(self._package)["__getattr__"]
        self._whole.exec_module(self._package)
        return getattr(self._package, name)

    def _candidates(self, name: str) -> Sequence[str]:
        """Modules that may define the class."""
        if not name[0].isupper():
            return ()
        own = self._modules.get(name.removesuffix("Args").lower())
        return [own] if own else self._nested

    def _module(self, name: str) -> ModuleType:
        return importlib.import_module(f"{self._package.__name__}.{name}")
