"""A part runs the code that is there: what it imports of ours is in its fingerprint."""

import json
import os
import sys
from pathlib import Path

import pytest

from local.failover import control_plane
from local.objects import part as objects
from tests.commands import ran

PROJECT = Path(__file__).parents[2]
LOADED = (
    "import json, sys; print(json.dumps([m.__file__ for m in sys.modules.values() if getattr(m, '__file__', None)]))"
)


@pytest.mark.parametrize(
    ("module", "sources", "where"),
    [
        ("local.objects.server, local.object_store.application", objects.SOURCES, "local/objects/part.py"),
        ("local.control_plane.__main__", control_plane.SOURCES, "local/failover/control_plane.py"),
    ],
)
def test_a_part_starts_again_for_each_file_that_it_imports(module: str, sources: tuple[Path, ...], where: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    finished = ran([sys.executable, "-c", f"import {module}; {LOADED}"], env=environment, check=True)
    rooms = [PROJECT / name for name in ("local", "durable", "components", "host", "failover", "plan")]
    loaded = [Path(file) for file in json.loads(finished.stdout)]
    ours = {path for path in loaded if any(path.is_relative_to(room) for room in rooms)}
    missing = [path for path in ours - set(sources) if path.name != "__init__.py"]
    assert missing == [], f"{where}: SOURCES lacks {missing}"
    assert all(path.is_file() for path in sources)
