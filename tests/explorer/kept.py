"""Sequences that found a fault, kept as they are: a step each, as it was taken."""

from tests.explorer.steps import Step

CRASH_THEN_LATEST: list[Step] = [
    ("load", True, 6, 0.0),
    ("wait", 12),
    ("kill", "postgres"),
    ("load", False),
    ("in_place", "latest"),
    ("rows",),
]
"""Fault 1: a server that was killed has a last segment that nothing marks; `latest` comes back without it."""

CRASH_THEN_ARCHIVED: list[Step] = [
    *(
        [
            ("load", True),
            ("wait", 3),
            ("kill", "postgres"),
            ("up",),
            ("wait", 4),
            ("load", False),
            ("repository",),
        ]
        * 4
    )
]
"""Fault 2: after a start through recovery the checkpointer sleeps past archive_timeout."""

TABLESPACE_AND_DRILL: list[Step] = [
    ("backup", "full"),
    ("tablespace", "ts2"),
    ("wait", 3),
    ("fill", "ts2", "NEW"),
    ("wait", 3),
    ("drill", 0.3),
]
