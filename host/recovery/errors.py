"""Why an act was refused or failed, in words that an operator can act on."""


class RecoveryError(Exception):
    """One line a fault: thing, fault, what is allowed. No secret is in it."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


class StoppedError(RecoveryError):
    """PostgreSQL ended before it had recovered as far as was asked."""
