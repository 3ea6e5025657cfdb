"""What an operator can mend where a database can't be reached, or answers otherwise than expected."""

from components.common.errors import HybridError


class DatabaseError(HybridError):
    """Thing, fault, and what is allowed or what to do."""
