"""Whether this run is the soak (`make test-long`): all kill points, long outages, many trials."""

import os

IS_SOAK = os.environ.get("HYBRID_SOAK") == "1"
