"""supervisord that outlives a full disk: what it can't log is lost, and the parts run on.

Its own handler says that a log can't be written on standard error, which is on the same disk, and ends of that.
"""

from contextlib import suppress

from supervisor import loggers, supervisord

ROLL_OVER = loggers.RotatingFileHandler.doRollover


def roll_over(handler: loggers.RotatingFileHandler) -> None:
    """Rotation; where it fails the log is closed by then, and opened again at the next line at the latest."""
    try:
        ROLL_OVER(handler)
    except (OSError, ValueError):
        with suppress(OSError):
            handler.stream = open(handler.baseFilename, "ab")  # noqa: SIM115 - the handler's, which closes it


def main() -> None:
    loggers.Handler.handleError = lambda handler: None
    loggers.RotatingFileHandler.doRollover = roll_over
    supervisord.main()


if __name__ == "__main__":
    main()
