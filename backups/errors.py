"""Errors of backups and restores that an operator can mend."""

from components.common.errors import HybridError


class BackupError(HybridError):
    """Thing, fault, and what is allowed or what to do."""


class UnansweredError(BackupError):
    """The engine ended without an answer, so that what it did is not known from it."""
