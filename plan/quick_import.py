"""Imports of the providers' libraries, of which the program needs a thirtieth, only what is asked for."""

import importlib
import importlib.util
import re
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

# Packages whose __init__ only gathers one module for each resource. Without this they are imported whole.
GATHERING = re.compile(r"pulumi_cloudflare|pulumi_aws\.[a-z0-9]+")
MODULE = re.compile(r"^from \.(\w+) import \*$", re.MULTILINE)
NESTED = ("_inputs", "_enums")
OUTPUTS = "outputs"


def install() -> None:
    """For every import in this process from here on."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not GATHERING.fullmatch(fullname):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.submodule_search_locations and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
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
