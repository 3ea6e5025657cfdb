"""What a running stack's recovery engine answers, without a command around it."""

from typing import Any

from backups.connection import asked
from backups.local_connection import LocalConnection
from backups.renderer import Listed
from host.recovery.contract import Listing, ListRequest, Source
from tests.local.stack_under_test import StackUnderTest, quiet


def listed(stack: StackUnderTest) -> dict[str, Any]:
    """The listing as `./hybrid backup list --json` prints it."""
    connection = LocalConnection(stack.here, quiet)
    listing = asked(connection, Listing, ListRequest())
    return Listed(listing=listing, copies=connection.copy_states(listing.backups, Source())).document()
