"""Moments and figures as people read them."""

from datetime import UTC, datetime

KIB = 1024
UNITS = ("B", "kB", "MB", "GB", "TB")


def clock(moment: datetime) -> str:
    """Date and time to the second, without a zone: whoever prints it says that it is UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def exact(moment: datetime) -> str:
    """Date and time with the fraction of a second, if there is one, and the zone."""
    fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
    return f"{clock(moment)}{fraction} UTC"


def size(count: float) -> str:
    value, unit = float(count), UNITS[0]
    for unit in UNITS:
        # 1023.6 would be printed as 1024.
        if value < KIB - 0.5 or unit == UNITS[-1]:
            break
        value /= KIB
    return f"{value:.0f} {unit}" if unit == UNITS[0] or value >= 10 else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Two units at most."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for length, unit, smaller, of in ((86400, "d", "h", 3600), (3600, "h", "min", 60), (60, "min", "s", 1)):
        if whole >= length:
            rest = whole % length // of
            return f"{whole // length} {unit} {rest} {smaller}" if rest else f"{whole // length} {unit}"
    return f"{whole} s"


def counted(number: int, thing: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
