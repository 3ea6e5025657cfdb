"""Errors of the local stack that its operator can mend."""

from components.common.errors import HybridError


class LocalError(HybridError):
    """Thing, fault, and what is allowed or what to do."""
