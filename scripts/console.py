"""Where commands print for people."""

import os
import sys

from rich.console import Console

# Without a terminal there is no width to keep to; wrapped rows are hard to search and to compare.
WIDTH_OF_FILES = 160


def console() -> Console:
    """Standard output; colours only on a terminal, and never with NO_COLOR."""
    is_known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(highlight=False, width=None if is_known else WIDTH_OF_FILES)
