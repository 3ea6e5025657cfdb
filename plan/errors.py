"""What can go wrong with a plan."""

from components.common.errors import HybridError


class PlanError(HybridError):
    """A program that can't be recorded, a stack that is not known, or a plan file that can't be read."""
