"""Records a stack: runs the program in a process of its own and returns the plan."""

import json
import os
import subprocess
import sys
from pathlib import Path

from plan import codec
from plan.errors import PlanError
from plan.model import Plan
from plan.project import ROOT, Project

TIMEOUT_SECONDS = 120


def record(stack: str, folder: Path = ROOT) -> Plan:
    """Records one stack of the project in `folder`. Raises PlanError; the program's own words go to stderr."""
    project = Project.load(folder)
    configuration = project.configuration(stack)
    task = {
        "folder": str(folder),
        "project": project.name,
        "stack": stack,
        "values": configuration.values,
        "secret_keys": list(configuration.secret_keys),
    }
    answer = _run(stack, json.dumps(task))
    if answer.startswith('{"error"'):
        raise PlanError(_with_stack(stack, json.loads(answer)["error"]))
    return codec.loads(answer, f"recorded plan of {stack}")


def _run(stack: str, task: str) -> str:
    # Credentials stay out: recording needs none, and what the program can't see it can't leak.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CLOUDFLARE_", "PULUMI_"))
    }
    environment["PYTHONPATH"] = str(ROOT)
    try:
        finished = subprocess.run(
            [sys.executable, "-P", "-m", "plan.recorder"],
            input=task,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise PlanError(f"{stack}: the program did not end within {TIMEOUT_SECONDS} s") from None
    if not finished.stdout:
        raise PlanError(f"{stack}: the program ended its own process (exit {finished.returncode})")
    return finished.stdout


def _with_stack(stack: str, message: str) -> str:
    prefix = f"{stack}: "
    return "\n".join(line if line.startswith(prefix) else prefix + line for line in message.splitlines())
