"""The state of a backup repository, and how a lost one is made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# pgBackRest's codes (command/info/info.c): of a stanza no folder or no data, and one that it could read.
MISSING = (1, 3)
READABLE = (0, 2)
# Of a file that pgBackRest never wrote; with another passphrase the header is valid and the text is not.
OVERWRITTEN = "cipher header invalid"
UNDECIPHERED = "FormatError"
DAMAGED = "damaged"
"""The annotation of a backup that a verification found damaged."""
MAKE = ("stanza-create",)
MAKE_AGAIN = (("stop", "--force"), ("stanza-delete", "--force"), MAKE)
"""Where a repository lost what makes it one: `stop` ends what is on its way, `--force` for PostgreSQL runs.

The deletion takes back the stop. In the cloud the versions stay, locked, for `--repo-target-time`.
"""


@dataclass(frozen=True)
class RepositoryState:
    is_readable: bool
    is_lost: bool
    """Missing, or overwritten by somebody else: nothing in it can be used. Not one with another passphrase."""
    backups: int
    """Those that can be restored."""

    @classmethod
    def of(cls, info: Sequence[Mapping[str, Any]]) -> "RepositoryState":
        """What `pgbackrest --output=json info` says of one stanza."""
        (found,) = info or [{"status": {"code": MISSING[0]}, "backup": []}]
        code = found["status"]["code"]
        message = " ".join(part["status"].get("message", "") for part in found.get("repo", []))
        is_overwritten = code not in READABLE and OVERWRITTEN in message and UNDECIPHERED not in message
        return cls(
            is_readable=code in READABLE,
            is_lost=not found["backup"] and (code in MISSING or is_overwritten),
            backups=len(usable(found["backup"])),
        )


def usable(backups: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of what pgBackRest lists that can be restored: neither they nor what they build on is damaged."""
    damaged = {one["label"] for one in backups if one.get("annotation", {}).get(DAMAGED)}
    return [one for one in backups if not one.get("error") and damaged.isdisjoint([one.get("label"), *_prior(one)])]


def _prior(backup: Mapping[str, Any]) -> Sequence[str]:
    return backup.get("reference") or ()
