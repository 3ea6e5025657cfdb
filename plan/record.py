"""Records stacks: runs the program in a process of its own for each and returns the plans."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plan import codec
from plan.errors import PlanError
from plan.model import Plan
from plan.project import ROOT, Project

TIMEOUT_SECONDS = 120
# What comes after the recorder's own limit: it has ended what ran late, or hangs itself.
REST_SECONDS = 10


def record(stack: str, folder: Path = ROOT) -> Plan:
    """Records one stack of the project in `folder`. Raises PlanError; the program's own words go to stderr."""
    return record_all([stack], folder)[0]


def record_all(stacks: Sequence[str], folder: Path = ROOT) -> list[Plan]:
    """Records several in one go, side by side. Raises PlanError of the first that has a fault."""
    if not stacks:
        return []
    project = Project.load(folder)
    tasks = [_task(project, stack) for stack in stacks]
    order = {"parent": os.getpid(), "folder": str(folder), "seconds": TIMEOUT_SECONDS, "tasks": tasks}
    return [_plan(stack, answer) for stack, answer in zip(stacks, _run(stacks, order), strict=True)]


def _task(project: Project, stack: str) -> dict[str, Any]:
    configuration = project.configuration(stack)
    return {
        "project": project.name,
        "stack": stack,
        "values": configuration.values,
        "secret_keys": list(configuration.secret_keys),
    }


def _run(stacks: Sequence[str], order: dict[str, Any]) -> list[dict[str, Any]]:
    # Credentials stay out: recording needs none, and what the program can't see it can't leak.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CLOUDFLARE_", "PULUMI_"))
    }
    environment["PYTHONPATH"] = str(ROOT)
    try:
        finished = subprocess.run(
            [sys.executable, "-P", "-m", "plan.recording"],
            input=json.dumps(order),
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            timeout=TIMEOUT_SECONDS + REST_SECONDS,
            # A terminal's interruption is this process's to answer: it ends the other, which would say a lot.
            process_group=0,
        )
    except subprocess.TimeoutExpired:
        return [{"late": True} for _ in stacks]
    if not finished.stdout:
        return [{"exit": finished.returncode} for _ in stacks]
    answers: list[dict[str, Any]] = json.loads(finished.stdout)
    return answers


def _plan(stack: str, answer: dict[str, Any]) -> Plan:
    if "late" in answer:
        raise PlanError(f"{stack}: the program did not end within {TIMEOUT_SECONDS} s")
    if "exit" in answer:
        raise PlanError(f"{stack}: the program ended its own process (exit {answer['exit']})")
    if "error" in answer:
        raise PlanError(_with_stack(stack, answer["error"]))
    return codec.loads(answer["plan"], f"recorded plan of {stack}")


def _with_stack(stack: str, message: str) -> str:
    prefix = f"{stack}: "
    return "\n".join(line if line.startswith(prefix) else prefix + line for line in message.splitlines())
