"""Links on a host whose root is a folder here: they lead within that root, as the host itself sees them.

By hand: os.path.realpath follows an absolute link from this machine's own root.
"""

import errno
import os
from pathlib import Path, PurePosixPath

MOST = 40
"""As Linux follows (path_resolution(7))."""


def followed(root: Path, inside: PurePosixPath | str) -> PurePosixPath:
    """The path of the host that links lead to, whether it is there or not. Raises OSError where they lead in a ring."""
    rest = list(reversed(PurePosixPath(inside).parts))
    found, links = PurePosixPath("/"), 0
    while rest:
        part = rest.pop()
        if part.startswith("/"):
            found = PurePosixPath("/")
        elif part == "..":
            found = found.parent
        elif (link := root / str(found / part).lstrip("/")).is_symlink():
            links += 1
            if links > MOST:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(inside))
            rest.extend(reversed(PurePosixPath(os.readlink(link)).parts))
        else:
            found /= part
    return found
