"""When backups are late enough to wake somebody: for the host's own alarm, CloudWatch's and `db status`."""

QUEUE_PERCENT = 25
"""Share of the log that may wait; at 100 it is dropped."""
BACKUP_HOURS = 30
"""Age of the newest backup, which is taken once a day."""
VERIFY_DAYS = 8
"""Days since the last verification, which comes once a week."""
