"""The project's own program under other settings."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from plan import codec
from plan import record as recorder
from plan.model import Plan
from plan.project import ROOT, Project

Settings = dict[str, Any]


def record_with(folder: Path, stack: str = "dev", **settings: Any) -> Plan:
    """Records a stack in an empty folder, with changed settings; None takes one out."""
    _link_program(folder)
    _write_settings(folder, stack, stack, settings)
    return recorder.record(stack, folder)


def record_each(folder: Path, variants: Sequence[tuple[str, Settings]]) -> list[Plan]:
    """Records stacks, each with changed settings, in an empty folder: side by side, in one recording process.

    `plan.record` takes several stacks of one folder, but none of them twice.
    """
    _link_program(folder)
    for number, (stack, settings) in enumerate(variants):
        _write_settings(folder, stack, str(number), settings)
    project = Project.load(folder)
    tasks = [{**recorder._task(project, str(number)), "stack": stack} for number, (stack, _) in enumerate(variants)]
    order = {"parent": os.getpid(), "folder": str(folder), "seconds": recorder.TIMEOUT_SECONDS, "tasks": tasks}
    said = subprocess.run(
        [sys.executable, "-P", "-m", "plan.recorder"],
        input=json.dumps(order),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=2 * recorder.TIMEOUT_SECONDS,
    ).stdout
    return [_plan(answer, variant) for answer, variant in zip(json.loads(said), variants, strict=True)]


def _plan(answer: dict[str, str], variant: object) -> Plan:
    assert "plan" in answer, (variant, answer)
    return codec.loads(answer["plan"], str(variant))


def _link_program(folder: Path) -> None:
    for path in ("__main__.py", "Pulumi.yaml", "components", "durable", "host", "apps"):
        (folder / path).symlink_to(ROOT / path)


def _write_settings(folder: Path, stack: str, name: str, settings: Settings) -> None:
    """The stack's own, or of a personal one dev's, changed."""
    document = yaml.safe_load((ROOT / f"Pulumi.{stack.partition('-')[0]}.yaml").read_text())
    own = {key if ":" in key else f"hybrid:{key}": value for key, value in settings.items()}
    given = {**document["config"], **own}
    document["config"] = {key: value for key, value in given.items() if value is not None}
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(document))
