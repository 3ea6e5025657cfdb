"""Errors of backups and restores that an operator can mend."""

from components.common.errors import HybridError


class BackupError(HybridError):
    """Thing, fault, and what is allowed or what to do."""
