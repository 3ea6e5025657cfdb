"""Results kept for the next run, each under the hash of everything it was made from."""

import contextlib
import hashlib
import os
import shutil
import stat
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from durable import files
from durable.files import UNFINISHED

FOLDER = "remembered"
# A plan of the whole stack takes 200 kB, most of it the hosts' bundles.
MOST = 128
# Whoever was killed while writing does not come back for it.
ABANDONED_SECONDS = 3600
# A full disk, a folder of somebody else; or no home at all.
_UNUSABLE = (OSError, RuntimeError)
DIGEST_BYTES = hashlib.sha256().digest_size


def cache_folder() -> Path:
    """Folder for what is made once for all stacks of this user."""
    own = os.environ.get("HYBRID_CACHE")
    return Path(own) if own else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hybrid"


def forget_all() -> None:
    """Removes everything that was remembered; fine where nothing was."""
    shutil.rmtree(cache_folder() / FOLDER, ignore_errors=True)
    with contextlib.suppress(OSError):
        # Other things may be in it.
        cache_folder().rmdir()


@dataclass(frozen=True)
class Memory:
    """Texts of one kind by their hash, the last used `most` of them.

    It never fails: what can't be read is not known, and what can't be written is not remembered. Texts are this user's
    alone: they may hold what is secret.
    """

    kind: str
    most: int = MOST

    def read(self, key: str) -> str | None:
        """What is remembered under a key; None where it is unknown or damaged."""
        try:
            path = self._folder / key
            # Reading a pipe or device might never end.
            found = path.read_bytes() if _is_own(self._folder) and path.is_file() else b""
            digest, packed = found[:DIGEST_BYTES], found[DIGEST_BYTES:]
            if hashlib.sha256(packed).digest() != digest:
                return None
            text = zlib.decompress(packed).decode()
        except (*_UNUSABLE, ValueError, zlib.error):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return text

    def write(self, key: str, text: str) -> None:
        """Writes atomically: whoever reads meanwhile sees the old or the new."""
        packed = zlib.compress(text.encode(), 1)
        with contextlib.suppress(*_UNUSABLE):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_own(self._folder):
                return
            files.replace(self._folder / key, hashlib.sha256(packed).digest() + packed, mode=0o600, is_cache=True)
            self._forget_the_oldest()

    @property
    def _folder(self) -> Path:
        return cache_folder() / FOLDER / self.kind

    def _forget_the_oldest(self) -> None:
        found = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                # Another process may forget at the same moment.
                with contextlib.suppress(FileNotFoundError):
                    found.append((entry.stat().st_mtime, entry.path))
        found.sort(reverse=True)
        kept = [path for _, path in found if not path.endswith(UNFINISHED)][: self.most]
        now = time.time()
        for modified, path in found:
            is_abandoned = now - modified > ABANDONED_SECONDS
            if path not in kept and (is_abandoned or not path.endswith(UNFINISHED)):
                Path(path).unlink(missing_ok=True)


def _is_own(folder: Path) -> bool:
    """What another user may write is not to be believed."""
    facts = folder.lstat()
    return stat.S_ISDIR(facts.st_mode) and facts.st_uid == os.geteuid() and not facts.st_mode & 0o077
