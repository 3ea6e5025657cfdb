"""`./hybrid` with a declared stack and edges of the tests; what they are comes in HYBRID_TEST_CLOUD."""

import json
import os
import sys
from contextlib import AbstractContextManager
from unittest.mock import patch

from components import tunnel_connection
from database import cloud_access
from plan import record
from scripts.__main__ import main
from tests.database.cloud import declared_plan

given = json.loads(os.environ["HYBRID_TEST_CLOUD"])


def tunnel(door: tunnel_connection.TunnelDoor) -> AbstractContextManager[tunnel_connection.Bridge]:
    """To the edge that stands for the door's name."""
    return tunnel_connection.tunnel(door, url=given["edges"][door.hostname])


with (
    patch.object(record, "record", lambda stack: declared_plan(**given["plan"])),
    patch.object(cloud_access, "tunnel", tunnel),
):
    sys.exit(main())
