"""What a running stack's recovery engine answers, without a command around it."""

from typing import Any

from backups.answers import Listing
from backups.door import asked
from backups.local_door import LocalDoor
from backups.request import source
from backups.words import Listed
from tests.local.stack_under_test import StackUnderTest, quiet


def listed(stack: StackUnderTest) -> dict[str, Any]:
    """As `./hybrid backup list --json` prints it."""
    door, primary = LocalDoor(stack.here, quiet), source("primary", None)
    listing = asked(door, Listing, {"act": "list"})
    return Listed(listing=listing, copies=door.copy_states(listing.backups, primary)).document()
