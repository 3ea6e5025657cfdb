"""`./hybrid doctor`."""


def doctor() -> None:
    """Later."""
