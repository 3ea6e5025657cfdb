"""`./hybrid` with a declared stack and edges of the tests; what they are comes in HYBRID_TEST_CLOUD."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from unittest.mock import patch

from components.network import tunnel_connection
from database import cloud_access
from plan import record
from scripts.__main__ import main
from tests.database.cloud import declared_plan


@contextmanager
def cloud(described: str) -> Iterator[None]:
    given = json.loads(described)

    def tunnel(endpoint: tunnel_connection.TunnelEndpoint) -> AbstractContextManager[tunnel_connection.Bridge]:
        """Opens a tunnel to the edge that stands for the endpoint's name."""
        return tunnel_connection.tunnel(endpoint, url=given["edges"][endpoint.hostname])

    with (
        patch.object(record, "record", lambda stack: declared_plan(**given["plan"])),
        patch.object(cloud_access, "tunnel", tunnel),
    ):
        yield


if __name__ == "__main__":
    with cloud(os.environ["HYBRID_TEST_CLOUD"]):
        sys.exit(main())
