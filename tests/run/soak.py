"""Whether this run is the soak (`make test-long`): every kill point, long outages, many trials."""

import os
import random

IS_SOAK = os.environ.get("HYBRID_SOAK") == "1"


def trials(usual: int, soak: int) -> int:
    """How often something is tried: `usual` in `make test`."""
    return soak if IS_SOAK else usual


def draws(seed: int) -> random.Random:
    """The same draws in each `make test`, others in each soak; an assertion that fails shows what was drawn."""
    return random.Random(None if IS_SOAK else seed)
