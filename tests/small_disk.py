"""A disk of a test's own, which is soon full; root alone can make one."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

needs_disk = pytest.mark.skipif(os.geteuid() != 0, reason="needs a disk of its own")


@contextmanager
def small_disk(folder: Path, kilobytes: int) -> Iterator[None]:
    """The folder is on it for as long as the block lasts."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "small", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)
