"""The first application of the playbook to a bare machine, killed in the middle as often as it has a middle."""

import os
import re
import signal
import subprocess
from contextlib import suppress
from typing import Any

from tests.host.bare_machine import BareMachine, processor_seconds
from tests.host.declared_machine import declared
from tests.waiting import LIMIT_SECONDS, until

KILLED = (("packages", "--status-fd"), ("files", "initdb"))
"""Stages, and what each runs as it is killed."""
VICTIMS = r"host\.converge|apt-get|dpkg|initdb|/postgres "


def first_application(machine: BareMachine) -> dict[str, Any]:
    """The report of the run that came through, with the seconds of all, and what the journal then says of itself."""
    start = processor_seconds()
    for stage, program in KILLED:
        _kill_in(machine, stage, program)
    report = machine.converge(declared())
    seconds = processor_seconds() - start
    journal = machine.told("journalctl", "--identifier=systemd-journald", "--boot", "--output=cat")
    return report | {"processor_seconds": seconds, "journal": journal}


def _kill_in(machine: BareMachine, stage: str, program: str) -> None:
    """kill -9 of the playbook and of all that it runs, once it runs `program` in the stage."""
    argv = machine.playing("host.converge", declared())
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert any(line.strip() == stage for line in process.stderr)
        until(lambda: any(program in line for line in machine.command_lines().values()))
        victims = [pid for pid, line in machine.command_lines().items() if re.search(VICTIMS, line)]
        for pid in victims:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert victims
        assert process.wait(LIMIT_SECONDS) != 0
