"""Hands the rotating key of the host's identity on to pgBackRest, which runs as another user.

Installed on the host by itself, as backup_credentials.py, and run by systemd with the system's Python:
backup_credentials.py SOURCE TARGET USER. So it imports nothing of ours, and writes its own file whole, without
durable.files.
"""

import configparser
import json
import os
import pwd
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

# The agent's key lives for an hour or longer and is replaced well before. pgBackRest asks again when this is over, and
# finds what the timer wrote meanwhile.
GOOD_SECONDS = 900
NAMES = {
    "AccessKeyId": "aws_access_key_id",
    "SecretAccessKey": "aws_secret_access_key",
    "SessionToken": "aws_session_token",
}


def credentials(text: str, now: float) -> dict[str, object]:
    """The JSON of an AWS credential process (version 1). Raises ValueError that never shows a value."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise ValueError("is not an AWS credentials file") from None
    held = parser["default"] if parser.has_section("default") else {}
    missing = [name for name in NAMES.values() if not held.get(name)]
    if missing:
        raise ValueError(f"profile default lacks {', '.join(missing)}")
    ends = datetime.fromtimestamp(now + GOOD_SECONDS, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"Version": 1, **{name: held[key] for name, key in NAMES.items()}, "Expiration": ends}


def write(path: Path, text: str, user: str) -> None:
    """Whole, and readable by the user alone from its first moment."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    owner = pwd.getpwnam(user)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        os.fchown(file.fileno(), owner.pw_uid, owner.pw_gid)
        file.write(text)
    fresh.rename(path)


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    source, target, user = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    try:
        text = json.dumps(credentials(source.read_text(), time.time())) + "\n"
    except (OSError, ValueError) as error:
        fault = error.strerror if isinstance(error, OSError) else error
        print(f"{source}: {fault}; the SSM agent writes it once the host is registered", file=sys.stderr)
        return 1
    write(target, text, user)
    return 0


if __name__ == "__main__":
    sys.exit(main())
