"""The database in a container, where namespaces can't be had: compose.yaml builds it from the same host/."""

import shutil
import subprocess
from collections.abc import Sequence

from local.part import Part, content_hash
from local.stack import Stack

PART = "database"
SERVICE = "database"


def faults() -> list[str]:
    """What keeps a container from being run here; [] is fine."""
    docker = shutil.which("docker")
    if not docker:
        return ["docker: not found; install a container engine with Compose"]
    answer = subprocess.run([docker, "compose", "version"], capture_output=True, text=True, timeout=20)
    if answer.returncode:
        return ["docker compose: not found; install the Compose plugin"]
    answer = subprocess.run([docker, "info"], capture_output=True, text=True, timeout=20)
    return [] if answer.returncode == 0 else ["docker: its engine does not run; start it"]


def compose(stack: Stack, *arguments: str) -> list[str]:
    """A docker compose command line for this stack's project."""
    return ["docker", "compose", "--project-directory", str(stack.project), *arguments]


def part(stack: Stack) -> Part:
    """The container in the foreground. PostgreSQL and the pooler are in it, so that it ends with either."""
    return Part(
        name=PART,
        command=tuple(compose(stack, "up", "--build", "--abort-on-container-exit", SERVICE)),
        environment=environment(stack),
        stop_seconds=90,
        contents=(content_hash(stack.state.host_file, stack.project / "host"),),
    )


def environment(stack: Stack) -> dict[str, str]:
    """What compose.yaml leaves to be filled in."""
    return {
        "HYBRID_HOST_SPEC": str(stack.state.host_file),
        "HYBRID_OBJECTS_CA": str(stack.state.tls / "ca.crt"),
    }


def in_host(stack: Stack, argv: Sequence[str]) -> list[str]:
    """The command line that runs argv in the container as PostgreSQL's own user."""
    return compose(stack, "exec", "--no-TTY", "--user", "postgres", SERVICE, *argv)
