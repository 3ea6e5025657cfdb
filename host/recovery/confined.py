"""Run a program that may write its own folder alone: python confined.py JSON COMMAND… in fresh mount namespaces.

A cluster that replays the log of another carries out what that one did, with the same paths: without this it would
write into the tablespaces of the cluster that serves. JSON is {"writable": [PATH…], "covered": {PATH: SOURCE…},
"hidden": [PATH…], "memory": [PATH…]}: folders as they are seen from here. A covered one is seen as its source, a hidden
one is empty, one of memory is empty and may be written; all else is read-only.
"""

import ctypes
import json
import os
import struct
import sys

# Linux, mount.h and fcntl.h.
MS_BIND = 4096
MOUNT_SETATTR = 442
AT_CURRENT_FOLDER, AT_RECURSIVE, ATTR_READ_ONLY = -100, 0x8000, 1
LIBRARY = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    wanted, argv = json.loads(sys.argv[1]), sys.argv[2:]
    shown = wanted["covered"] | {path: path for path in wanted["writable"]}
    # A path in another one is seen in what that is covered with, which may hide where its own source is.
    opened = {path: os.open(source, os.O_PATH) for path, source in shown.items()}
    for path in sorted(opened, key=lambda path: path.count("/")):
        mount(f"/proc/self/fd/{opened[path]}", path, "", MS_BIND)
        os.close(opened[path])
    for path in (*wanted["hidden"], *wanted["memory"]):
        mount("tmpfs", path, "tmpfs", 0, "mode=1777" if path in wanted["memory"] else "mode=755,size=64k")
    set_read_only("/", is_on=True, flags=AT_RECURSIVE)
    for path in (*wanted["writable"], *wanted["covered"], *wanted["memory"]):
        set_read_only(path, is_on=False)
    os.execvp(argv[0], argv)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2); raises OSError."""
    words = (word.encode() for word in (source, target, kind))
    if LIBRARY.mount(*words, ctypes.c_ulong(flags), data.encode()):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def set_read_only(path: str, *, is_on: bool, flags: int = 0) -> None:
    """mount_setattr(2), which keeps what else is set, as an ordinary user's namespace has to; raises OSError."""
    attributes = struct.pack("=QQQQ", *((ATTR_READ_ONLY, 0) if is_on else (0, ATTR_READ_ONLY)), 0, 0)
    where = (ctypes.c_int(AT_CURRENT_FOLDER), path.encode(), ctypes.c_uint(flags))
    if LIBRARY.syscall(MOUNT_SETATTR, *where, attributes, ctypes.c_size_t(len(attributes))):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)


if __name__ == "__main__":
    main()
