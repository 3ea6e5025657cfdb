"""Which part of a host name somebody has registered.

By a pattern of the usual public suffixes: the whole list is a package that ages. Of a suffix that the pattern lacks,
two registrants count as one.
"""

import re

# Below these of a country anybody has a name, as below its own (Public Suffix List, the usual ones).
_SHARED = re.compile(r"ab|ac|bc|com?|edu|gc|gob?|gouv|gov|mb|ne|net|n[blstu]|on|org?|pe|qc|sk|yk")


def domain(host: str) -> str:
    """The part that is registered, as `example.com` and `example.co.uk`; empty where there is none."""
    labels = host.split(".")
    needed = 3 if len(labels[-1]) == 2 and _SHARED.fullmatch(labels[-2:][0]) else 2
    return ".".join(labels[-needed:]) if len(labels) >= needed and all(labels) else ""
