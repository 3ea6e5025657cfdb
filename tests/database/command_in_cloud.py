"""`./hybrid` with a declared stack and an edge of the tests; what they are comes in HYBRID_TEST_CLOUD."""

import json
import os
import sys
from functools import partial
from unittest.mock import patch

from components import tunnel_connection
from database import cloud_access
from plan import record
from scripts.__main__ import main
from tests.database.cloud import declared_plan

given = json.loads(os.environ["HYBRID_TEST_CLOUD"])
with (
    patch.object(record, "record", lambda stack: declared_plan(**given["plan"])),
    patch.object(cloud_access, "tunnel", partial(tunnel_connection.tunnel, url=given["edge"])),
):
    sys.exit(main())
