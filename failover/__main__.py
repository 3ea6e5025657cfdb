"""`python -m failover`: the rollback alone, without the rest of the project."""

import sys

from failover.cli.commands import Surroundings, application


def main() -> int:
    application(Surroundings(), name="failover")(prog_name="failover")
    return 0


if __name__ == "__main__":
    sys.exit(main())
