"""Several stacks recorded in one go: each by itself, though the providers' libraries are imported once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from plan import record as recording
from plan.errors import PlanError
from plan.record import record, record_all

Program = Callable[..., Path]

CONFIG = "config:\n  size: {type: integer, default: 7}\n"
SOURCE = """
import os, pulumi, own
own.seen.append(pulumi.get_stack())
pulumi.export("seen", own.seen)
pulumi.export("size", pulumi.Config().require_int("size"))
"""


def two_stacks(folder: Path) -> Path:
    (folder / "own.py").write_text("import pulumi\nseen = [str(pulumi.Config().require_int('size'))]\n")
    (folder / "Pulumi.prod.yaml").write_text("config: {'trial:size': 9}\n")
    return folder


def test_each_stack_runs_the_program_s_own_modules_anew(program: Program) -> None:
    dev, prod = record_all(["dev", "prod"], two_stacks(program(SOURCE, CONFIG)))
    assert dev.outputs == {"seen": ["7", "dev"], "size": 7}
    assert prod.outputs == {"seen": ["9", "prod"], "size": 9}


def test_a_fault_names_its_own_stack(program: Program) -> None:
    source = f"{SOURCE}if pulumi.get_stack() == 'prod': raise ValueError('too big')"
    with pytest.raises(PlanError, match=r"^prod: __main__\.py:6: ValueError: too big$"):
        record_all(["dev", "prod"], two_stacks(program(source, CONFIG)))


def test_a_stack_that_ends_its_process_does_not_end_the_other_s(program: Program) -> None:
    source = f"{SOURCE}if pulumi.get_stack() == 'dev': os._exit(3)"
    with pytest.raises(PlanError, match=r"^dev: the program ended its own process \(exit 3\)$"):
        record_all(["prod", "dev"], two_stacks(program(source, CONFIG)))


def test_a_program_that_never_ends_is_ended(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "TIMEOUT_SECONDS", 2)
    with pytest.raises(PlanError, match=r"^dev: the program did not end within 2 s$"):
        record("dev", program("import time\ntime.sleep(1000)"))


def test_no_credential_reaches_the_program(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "nothing")
    seen = "[key for key in os.environ if key.startswith(('AWS_', 'CLOUDFLARE_'))]"
    source = f"import os, pulumi\npulumi.export('seen', {seen})"
    assert record("dev", program(source)).outputs == {"seen": []}


def test_no_export_is_lost_on_a_busy_machine(program: Program) -> None:
    """Pulumi's mocks registered a stack of their own: where that came last, the program's exports were gone."""
    source = """
import time, pulumi
from plan.recorder import Recorder
registered = Recorder.RegisterResourceOutputs
def late(self, request):
    if not request.outputs.fields:
        time.sleep(1)
    return registered(self, request)
Recorder.RegisterResourceOutputs = late
pulumi.export("seen", "once")
"""
    assert record("dev", program(source)).outputs == {"seen": "once"}
