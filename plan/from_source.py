"""Imports the project's own modules as their sources are, also where something compiled is there.

To Python a compiled file is new when its source has kept its length and was changed within the same second. Then the
program that runs would not be the one whose hash is known; here it is compared by content.
"""

import contextlib
import hashlib
import marshal
import sys
from collections.abc import Callable
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, cache_from_source
from pathlib import Path
from types import CodeType
from typing import Any

from plan.project import ROOT

# Beside Python's own, which stay as they are.
KIND = "bycontent"
DIGEST_BYTES = hashlib.sha256().digest_size


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        source = self.get_data(path)
        # What is compiled knows its place and its Python.
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


def install(folder: Path) -> None:
    """For modules that are imported from here on, of `folder` and of this project; not of what is installed there."""
    files = FileFinder.path_hook((ExtensionFileLoader, EXTENSION_SUFFIXES), (_Loader, SOURCE_SUFFIXES))

    def finder(path: str) -> Any:
        here = Path(path)
        if "site-packages" in here.parts or not any(here.is_relative_to(place) for place in (folder, ROOT)):
            raise ImportError(f"{path}: is not of the project")
        return files(path)

    hooks: list[Callable[[str], Any]] = sys.path_hooks
    hooks.insert(0, finder)
    sys.path_importer_cache.clear()
