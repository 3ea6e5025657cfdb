"""Names of WAL segments and positions in the log as numbers: for the recovery engine, and for who draws its listing."""

SEGMENT_BYTES = 16 * 2**20
"""initdb's default, which host/ keeps."""
SEGMENTS_PER_LOG = 2**32 // SEGMENT_BYTES


def timeline_of(wal: str) -> int:
    return int(wal[:8], 16)


def number_of(wal: str) -> int:
    """A segment's place in its timeline, counted in segments: 8 digits each for timeline, log and segment."""
    return int(wal[8:16], 16) * SEGMENTS_PER_LOG + int(wal[16:24], 16)


def wal_name(timeline: int, number: int) -> str:
    high, low = divmod(number, SEGMENTS_PER_LOG)
    return f"{timeline:08X}{high:08X}{low:08X}"


def position(lsn: str) -> int:
    """An LSN as a number of bytes."""
    high, low = lsn.split("/")
    return int(high, 16) * 2**32 + int(low, 16)
