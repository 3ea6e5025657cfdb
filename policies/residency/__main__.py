"""Starts the pack. Serves until it is stopped, so nothing may import this module."""

import sys
from pathlib import Path

# The engine starts a pack with only the pack's own folder in sight.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from policies.rules.rule import serve

serve("hybrid-residency", "policies.residency")
