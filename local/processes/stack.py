"""The local stack of one state folder: where its things are, and what all its parts need."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from local.common.errors import LocalError
from local.common.ports import FIRST, Ports
from local.common.state import State
from local.common.values import PASSWORD_TYPE
from local.processes.generated_secrets import GeneratedSecrets
from local.processes.supervisor import Supervisor
from plan.model import Plan

Progress = Callable[[str], None]
"""Tells the operator what is going on, one short line at a time."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    """A project's local stack. Nothing is made by making this object."""

    project: Path
    state: State
    ports: Ports

    @cached_property
    def supervisor(self) -> Supervisor:
        return Supervisor(self.state)

    @cached_property
    def secrets(self) -> GeneratedSecrets:
        return GeneratedSecrets(self.state)

    @classmethod
    def of(cls, project: Path, first_port: int | None = None) -> "Stack":
        """The project's stack. Its ports are those given; else, while it runs, its own; else HYBRID_FIRST_PORT, else
        those it had, else 7400 on.
        """
        state = State.of(project)
        own, asked = remembered_port(state), _port_from_environment()
        is_there = own is not None and Supervisor(state).is_running()
        chosen = own if is_there else asked or own
        return cls(project=project, state=state, ports=Ports(first_port or chosen or FIRST))

    @property
    def database_ca(self) -> Path:
        """The authorities that clients of PostgreSQL and the pooler trust."""
        return self.state.tls / "database-ca.crt"

    @property
    def store_ca(self) -> Path:
        """The authority of the S3 that holds the host's backups: this stack's own, or another's."""
        return self.state.tls / "objects-ca.crt"

    def password(self, plan: Plan) -> Callable[[str], str]:
        """Local values of the plan's generated passwords, by resource name."""
        declared = {resource.name: resource.inputs for resource in plan.of_type(PASSWORD_TYPE)}

        def value(name: str) -> str:
            inputs = declared[name]
            special = inputs.get("overrideSpecial", "!@#%&*()-_=+") if inputs.get("special", True) else ""
            return self.secrets.password(name, inputs["length"], special)

        return value


def remembered_port(state: State) -> int | None:
    """The first port of the stack that is there, from what its host was given; None where there is none.

    By its keys, not by the model: a stack of an older version, whose specification the model refuses, has ports too.
    """
    host = state.read_json(state.host_file, can_be_remade=True)
    postgres = host.get("postgres") if isinstance(host, dict) else None
    port = postgres.get("port") if isinstance(postgres, dict) else None
    return port - (Ports().postgres - FIRST) if type(port) is int else None


def _port_from_environment() -> int | None:
    text = os.environ.get("HYBRID_FIRST_PORT")
    if text and not (text.isascii() and text.isdigit()):
        raise LocalError(f"HYBRID_FIRST_PORT: {text!r} is not a number")
    return int(text) if text else None


def run(argv: Sequence[str], *, seconds: float, folder: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A command's output and exit code; `stdin` is its input. Raises LocalError when it does not end in time."""
    try:
        return subprocess.run(
            argv,
            capture_output=True,
            text=True,
            # Programs quote whatever they met, bytes of a damaged file too.
            errors="replace",
            input=stdin,
            timeout=seconds,
            cwd=folder,
        )
    except subprocess.TimeoutExpired:
        raise LocalError(f"{argv[0]}: did not end within {seconds:g} s") from None
