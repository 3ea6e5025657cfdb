"""What can go wrong on the way to a database in a way that an operator can mend."""

from components.common.errors import HybridError


class DatabaseError(HybridError):
    """Thing, fault, and what is allowed or what to do."""
