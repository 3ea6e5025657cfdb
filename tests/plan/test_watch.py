"""What a program sees beyond the listed inputs keeps its plan from being remembered, or it does not see it."""

import os
import py_compile
from collections.abc import Callable
from pathlib import Path

import pytest

from plan import record
from plan.inputs import GIVEN, VARIABLES

Program = Callable[..., Path]

SEEN = {
    "a file elsewhere": "open('/etc/hostname').read()",
    "a file elsewhere, by its number": "import os; os.read(os.open('/etc/hostname', os.O_RDONLY), 9)",
    "a file that is not there": "from contextlib import suppress\nwith suppress(OSError): open('absent.json')",
    "whether a file is there": "from pathlib import Path; Path('absent.json').exists()",
    "what a link leads to": "import os; os.path.realpath('/proc/self/exe')",
    "another stack's settings": "open('Pulumi.dev.yaml').read()",
    "a folder": "import os; os.listdir('/etc')",
    "its own folder": "import os; os.listdir()",
    "a folder, by walking": "import os; [*os.walk('/etc/ssl')]",
    "a folder, by a pattern": "from pathlib import Path; [*Path('/etc').glob('*.conf')]",
    "another process": "import subprocess; subprocess.run(['true'])",
    "a shell": "import os; os.system('true')",
    "a child": "import os\npid = os.fork()\nif not pid: os._exit(0)\nos.waitpid(pid, 0)",
    "a connection": "import socket\nwith socket.socket() as s: s.connect_ex(('127.0.0.1', 1))",
    "a name": "import socket; socket.gethostbyname('localhost')",
    "this machine's name": "import platform; platform.node()",
    "the time": "import time; time.time()",
    "the day": "from datetime import date; date.today()",
    "the moment": "import datetime; datetime.datetime.now(datetime.UTC)",
    "chance": "import random; random.random()",
    "chance of the kernel": "import os; os.urandom(8)",
    "a random name": "import uuid; uuid.uuid4()",
    "its own number": "import os; os.getpid()",
    "its user": "import os; os.geteuid()",
    "how much is free": "import shutil; shutil.disk_usage('/')",
    "what it has used": "import resource; resource.getrusage(resource.RUSAGE_SELF)",
    "a clock of the kernel": "import time; time.clock_gettime(time.CLOCK_REALTIME)",
    "a clock in whole numbers": "import time; time.monotonic_ns()",
    "the time by a library": "import email.utils; email.utils.formatdate()",
    "the time by a function handed on": "import time; [*map(lambda ask: ask(), [time.time])]",
    "another kind of chance": "import random; random.gauss(0, 1)",
    "chance of its own": "from random import Random; Random().random()",
    "chance of the system": "import random; random.SystemRandom().random()",
    "more chance of the kernel": "import os; os.getrandom(8)",
    "a token": "import secrets; secrets.token_hex()",
    "what it writes": "open('written.txt', 'w').close()",
    "what it makes": "import os; os.makedirs('made.d', exist_ok=True)",
    "what it removes": "import contextlib, os\nwith contextlib.suppress(OSError): os.remove('gone.txt')",
    "a temporary file": "import tempfile; tempfile.TemporaryFile().close()",
    "a library of C": "import ctypes; ctypes.CDLL(None)",
    "what it says": "print('look here')",
}


def test_what_depends_on_more_is_recorded_each_time(program: Program, recorded: list[str]) -> None:
    """Each kind as a stack of its own, with one beside them that sees nothing."""
    source = "import pulumi, runpy\nrunpy.run_path(f'components/{pulumi.get_stack()}.py')\npulumi.export('done', True)"
    folder = program(source)
    (folder / "components").mkdir()
    cases = {name.replace(" ", "-").replace("'", "").replace(",", ""): text for name, text in SEEN.items()}
    for stack, text in {**cases, "nothing": ""}.items():
        (folder / f"Pulumi.{stack}.yaml").write_text("config: {}\n")
        (folder / f"components/{stack}.py").write_text(text)
    plans = record.record_all([*cases, "nothing"], folder)
    assert [plan.outputs for plan in plans] == [{"done": True}] * len(plans)
    recorded.clear()
    record.record_all([*cases, "nothing"], folder)
    assert recorded == [*cases]


def test_a_module_elsewhere_is_no_input(
    program: Program, recorded: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Also where what was compiled of it is all that is opened."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "foreign.py").touch()
    py_compile.compile(str(elsewhere / "foreign.py"))
    folder = program(f"import sys\nsys.path.append({str(elsewhere)!r})\nimport foreign")
    record.record("dev", folder)
    record.record("dev", folder)
    assert recorded == ["dev", "dev"]


def test_what_a_component_sees_counts_as_well(program: Program, recorded: list[str]) -> None:
    """Modules may be imported before the stack is known."""
    folder = program("import own")
    (folder / "own.py").write_text("import os\nsize = os.stat('/etc/hostname').st_size\n")
    record.record("dev", folder)
    record.record("dev", folder)
    assert recorded == ["dev", "dev"]


def test_a_variable_that_is_no_input_is_not_seen(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_SETTING", "7")
    names = sorted({*GIVEN, *(name for name in VARIABLES if name in os.environ)})
    folder = program("import os, pulumi\npulumi.export('names', sorted(os.environ))")
    assert record.record("dev", folder).outputs["names"] == names


def test_a_source_of_the_same_length_in_the_same_second_is_read(program: Program) -> None:
    """Python would take what it has compiled."""
    folder = program("import own, pulumi\npulumi.export('value', own.value)")
    for value in (1, 2):
        (folder / "own.py").write_text(f"value = {value}\n")
        os.utime(folder / "own.py", (1_000_000_000, 1_000_000_000))
        assert record.record("dev", folder).outputs == {"value": value}
