"""A port of the database's host on loopback here, through AWS Systems Manager's Session Manager."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from shutil import which
from typing import IO, Any

from components.common.regions import HOME_REGION
from database.errors import DatabaseError
from database.parameter_store import plain_errors

DOCUMENT = "AWS-StartPortForwardingSession"
START_SECONDS = 30
END_SECONDS = 5
PLUGIN = "session-manager-plugin"
MISSING = {
    "aws": "install AWS's command line: docs.aws.amazon.com/cli",
    PLUGIN: "install it: docs.aws.amazon.com/systems-manager, 'Install the Session Manager plugin'",
}


def node(ssm: Any, tags: Mapping[str, str]) -> str:
    """The one node with these tags that is online. Raises DatabaseError."""
    filters = [{"Key": f"tag:{key}", "Values": [value]} for key, value in sorted(tags.items())]
    with plain_errors("Systems Manager"):
        pages = ssm.get_paginator("describe_instance_information").paginate(Filters=filters)
        found = [one for page in pages for one in page["InstanceInformationList"]]
    online = [one["InstanceId"] for one in found if one.get("PingStatus") == "Online"]
    if len(online) != 1:
        told = ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))
        raise DatabaseError(
            f"Systems Manager: {len(online)} of {len(found)} nodes with the tags {told} are online; one is needed"
        )
    return str(online[0])


def refuse_missing() -> None:
    """Raises DatabaseError that names every program that the route needs and this machine lacks."""
    faults = [f"{program}: not found; {how}" for program, how in MISSING.items() if which(program) is None]
    if faults:
        raise DatabaseError("\n".join(faults))


@contextmanager
def forwarded(target: str, port: int) -> Iterator[int]:
    """A loopback port that leads to the node's own; the session ends with the block. Raises DatabaseError."""
    here = _free_port()
    given = json.dumps({"portNumber": [str(port)], "localPortNumber": [str(here)]})
    argv = ["aws", "ssm", "start-session", "--region", HOME_REGION, "--target", target]
    argv += ["--document-name", DOCUMENT, "--parameters", given]
    with tempfile.TemporaryFile("w+") as output:
        # A session of its own: Ctrl-C in psql must not end the connection to the server.
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, text=True
        )
        try:
            _wait(process, here, output)
            yield here
        finally:
            _end(process)


def _wait(process: subprocess.Popen[str], port: int, output: IO[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            output.seek(0)
            said = " ".join(output.read().split()[-60:])
            ended = f"ended with exit code {process.returncode}" if process.returncode is not None else "is not ready"
            raise DatabaseError(f"aws ssm start-session: {ended}: {said or 'without output'}")
        time.sleep(0.05)


def _listens(port: int) -> bool:
    """Asked of the kernel's table: a connection would be handed on to the server."""
    state, local = "0A", f":{port:04X}"
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    return any(row[1].endswith(local) and row[3] == state for row in rows)


def _end(process: subprocess.Popen[str]) -> None:
    """The plugin is a child of aws; both are in the session that was made for them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(END_SECONDS)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
    process.wait(END_SECONDS)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
