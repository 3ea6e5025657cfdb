"""The bundled code of Workers, which a program declares only as it is built now."""

import hashlib
import os
from pathlib import Path

import pulumi

from components.common.errors import HybridError
from components.edge import bundle_sources


class BundleError(HybridError, pulumi.RunError):
    """A bundle that is missing, or older than its sources."""


def refuse_old() -> None:
    """Raises BundleError for bundles of the project in the working directory that are not of its sources.

    Who records it has looked already, and the sources are no input of a plan.
    """
    fault = "" if os.environ.get(bundle_sources.CHECKED) else bundle_sources.fault(Path())
    if fault:
        raise BundleError(fault)


def digest(module: str, assets: str | None = None) -> str:
    """SHA-256 of a Worker's code and its static files, by their names. Raises BundleError for what is missing."""
    folder = Path(assets) if assets else None
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()] if folder else []
    if not Path(module).is_file() or (folder and not found):
        raise BundleError(f"{module if found or not folder else assets}: is missing; {bundle_sources.MEND}")
    parts = [Path(module).read_bytes(), *(part for path in found for part in (str(path).encode(), path.read_bytes()))]
    # Each by its own sum: nothing of one file can be taken for a part of the next.
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()
