"""Where the policy packs are."""

from collections.abc import Iterable, Sequence
from pathlib import Path


def folders(names: Iterable[str] | None = None) -> Sequence[Path]:
    """Folders of the packs, all of them unless named."""
    here = Path(__file__).resolve().parent
    found = sorted(path.parent for path in here.glob("*/PulumiPolicy.yaml"))
    return [path for path in found if names is None or path.name in names]
