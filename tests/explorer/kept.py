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

WRITTEN_THEN_ARCHIVED: list[Step] = [("load", True), ("wait", 4), ("load", False), ("repository",)]

CRASHES_THEN_ARCHIVED: list[Step] = [
    step
    for _ in range(4)
    for step in (("load", True), ("wait", 3), ("kill", "postgres"), ("up",), *WRITTEN_THEN_ARCHIVED)
]
"""Fault 2: after a start through recovery the checkpointer sleeps past archive_timeout; not each time."""

STARTS_THEN_ARCHIVED: list[Step] = [
    step
    for start in (
        [("kill", "postmaster"), ("up",)],
        [("kill", "supervisor"), ("up",)],
        [("kill", "checkpointer")],
        [("kill", "backend")],
        [("in_place", "time", 0.9)],
        [("in_place", "latest")],
        [("lost_instance", False, 3)],
        [("standby_made",), ("cut_over",)],
    )
    for step in (("load", True), ("wait", 3), *start, *WRITTEN_THEN_ARCHIVED)
]
"""The same after every kind of start."""

TABLESPACE_AND_COPY: list[Step] = [
    ("backup", "full"),
    ("tablespace", "ts2"),
    # Without a commit in between, a restore to the mark replays all of the change that follows.
    ("load", True, 1, 0.05),
    ("wait", 1),
    ("mark",),
    ("wait", 1),
    ("fill", "ts2", "NEW"),
    ("beside", "time", "mark"),
]
"""Fault 5: what is replayed in a copy writes into the tablespace that serves."""

TABLESPACE_AND_DRILL: list[Step] = [*TABLESPACE_AND_COPY[:-1], ("drill", "mark")]
"""The same in every drill."""

TABLESPACE_THEN_LOST: list[Step] = [
    ("load", True),
    ("tablespace", "ts0"),
    ("fill", "ts0", "NEW"),
    ("wait", 2),
    ("lost_instance", True),
    ("rows",),
]
"""Fault 5: a host that comes back along the log ends where that creates a tablespace whose folder was lost with it."""

RESTORED_THEN_LOST: list[Step] = [
    ("load", True),
    ("in_place", "latest"),
    ("wait", 3),
    ("lost_instance", True),
]
"""Fault 6: the first `up --from-backups` after a restore in place ends with a crash of PostgreSQL."""

THERE_AND_BACK_THEN_LOST: list[Step] = [
    ("load", True),
    ("wait", 2),
    ("standby_made",),
    ("cut_over",),
    ("wait", 3),
    ("cut_back",),
    ("wait", 6),
    ("load", False),
    # The first try ends with another fault: its promotion conflicts with the recovery.
    ("lost_instance", True, 3),
    ("rows",),
]
"""Fault 7: after the way back a writes on timeline 1, and a lost host comes back along b's timeline 2."""

THERE_AND_BACK_THEN_LOST_AT_ONCE: list[Step] = [
    (name, values[0]) if name == "lost_instance" else (name, *values) for name, *values in THERE_AND_BACK_THEN_LOST
]
"""The same, by the runbook: `up --from-backups` succeeds the first time."""

RESTORED_TO_BEFORE_ITS_TIMELINE: list[Step] = [
    ("load", True),
    ("wait", 3),
    ("mark",),
    ("wait", 3),
    ("backup", "diff"),
    ("wait", 1),
    ("in_place", "latest"),
    ("wait", 2),
    ("in_place", "time", "mark"),
    ("wait", 3),
    ("in_place", "time", 1.0),
    ("rows",),
]
"""Fault 7: the timeline that was followed begins after the moment; a backup between both was taken for the next one."""

BUCKET_MADE_ANEW: list[Step] = [
    ("load", True),
    ("wait", 3),
    ("in_place", "latest"),
    ("wait", 2),
    ("load", False),
    ("lost_bucket",),
    ("verify",),
    ("beside", "latest"),
    ("drill", None),
]
"""Fault 8: a repository that is made past timeline 1 lacks the history that leads there."""

THERE_AND_BACK_THEN_LOST_WITH_ITS_BUCKET: list[Step] = [
    ("load", True),
    ("wait", 2),
    ("standby_made",),
    ("cut_over",),
    ("cut_back",),
    # The archiver is not begun anew before a shutdown: what a has served since is lost with it.
    ("kill", "checkpointer"),
    ("lost_instance", True),
    ("lost_bucket",),
    ("rows",),
]
"""Fault 8: a host that came back kept its demotion mark, and could not begin a timeline without a repository."""

BACK_WITHOUT_A_BACKUP: list[Step] = [
    ("load", True),
    ("wait", 2),
    ("standby_made",),
    ("cut_over",),
    ("wait", 2),
    ("lost_bucket",),
    ("cut_back",),
    ("wait", 3),
    ("anchored",),
    ("wait", 2),
    ("lost_instance", True),
]
"""Fault 3: the new repository's backup is b's, and a's status counted it as its own."""

CLOCK_AHEAD_OF_THE_STORES: list[Step] = [
    ("load", True),
    ("wait", 3),
    ("clock_forward", 60.0),
    ("mark",),
    ("wait", 3),
    ("in_place", "time", "mark"),
    ("windows", 3),
]
"""Fault 4: a timeline was taken to have begun when the store told that, a minute before it did by the host's clock."""

CLOCK_SET_BACK_THEN_DRILL: list[Step] = [
    ("load", True),
    ("wait", 3),
    ("in_place", "latest"),
    ("clock_back", 20.0),
    ("drill", None),
    ("wait", 5),
    ("drill", None),
]
"""Fault 4: while the clock tells a time that it has told before a drill has no moment, and says so; then it has."""
