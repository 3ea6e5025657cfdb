"""The error of the gate itself."""

from components.common.errors import HybridError


class GateError(HybridError):
    """A policy pack that does not start, does not answer, or fails inside a rule: the gate stays closed."""
