"""Records stacks: runs the program in a process of its own for each, unless its plan is known, and returns the plans.

A plan is known by all that it was made from, which plan/inputs.py lists.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.edge import bundle_sources
from plan import codec
from plan.inputs import Inputs, environment
from plan.memory import Memory
from plan.model import Plan, PlanError
from plan.project import ROOT, Project

TIMEOUT_SECONDS = 120
# What comes after the recorder's own limit: it has ended what ran late, or hangs itself.
REST_SECONDS = 10
PLANS = Memory("plans")


def record(stack: str, folder: Path = ROOT) -> Plan:
    """One stack's plan, of the project in `folder`. Raises PlanError; the program's own words go to stderr."""
    return record_all([stack], folder)[0]


def record_all(stacks: Sequence[str], folder: Path = ROOT) -> list[Plan]:
    """Records several stacks in parallel. Raises the first PlanError."""
    project = Project.load(folder) if stacks else None
    if fault := bundle_sources.fault(folder):
        raise PlanError(fault)
    tasks = {stack: _task(project, stack) for stack in stacks} if project else {}
    inputs = Inputs.of_program(folder)
    inputs.prepare()
    keys = {stack: inputs.key(task) for stack, task in tasks.items()}
    found = {stack: inputs.recall(PLANS, key) for stack, key in keys.items()}
    new = [stack for stack in tasks if found[stack] is None]
    answers = dict(zip(new, _run(new, folder, [tasks[stack] for stack in new]), strict=True)) if new else {}
    for stack, answer in answers.items():
        if "plan" in answer:
            inputs.keep(PLANS, {keys[stack]: answer["plan"]}, answer["seen"])
            found[stack] = answer["plan"]
    return [_plan(stack, found[stack], answers.get(stack, {})) for stack in stacks]


def are_known(stacks: Sequence[str], folder: Path = ROOT) -> bool:
    """Whether none of them has to be recorded. Raises PlanError."""
    project, inputs = Project.load(folder), Inputs.of_program(folder)
    return all(inputs.recall(PLANS, inputs.key(_task(project, stack))) for stack in stacks)


def _task(project: Project, stack: str) -> dict[str, Any]:
    configuration = project.configuration(stack)
    return {
        "project": project.name,
        "stack": stack,
        "values": configuration.values,
        "secret_keys": list(configuration.secret_keys),
    }


def _run(stacks: Sequence[str], folder: Path, tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    order = {"parent": os.getpid(), "folder": str(folder), "seconds": TIMEOUT_SECONDS, "tasks": tasks}
    try:
        finished = subprocess.run(
            [sys.executable, "-P", "-m", "plan.recorder"],
            input=json.dumps(order),
            stdout=subprocess.PIPE,
            text=True,
            env=environment(),
            timeout=TIMEOUT_SECONDS + REST_SECONDS,
            # Ctrl-C goes to this process only: it ends the other, which would print a traceback.
            process_group=0,
        )
    except subprocess.TimeoutExpired:
        return [{"late": True} for _ in stacks]
    if not finished.stdout:
        return [{"exit": finished.returncode} for _ in stacks]
    answers: list[dict[str, Any]] = json.loads(finished.stdout)
    return answers


def _plan(stack: str, text: str | None, answer: Mapping[str, Any]) -> Plan:
    if text is not None:
        return codec.loads(text, f"recorded plan of {stack}")
    if "late" in answer:
        raise PlanError(f"{stack}: the program did not end within {TIMEOUT_SECONDS} s")
    if "exit" in answer:
        raise PlanError(f"{stack}: the program ended its own process (exit {answer['exit']})")
    raise PlanError(_with_stack(stack, answer["error"]))


def _with_stack(stack: str, message: str) -> str:
    prefix = f"{stack}: "
    return "\n".join(line if line.startswith(prefix) else prefix + line for line in message.splitlines())
