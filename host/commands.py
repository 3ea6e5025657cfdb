"""Starts the playbook's commands as Python's own library does.

pyinfra has gevent start them, which copies the process that does, and takes longer than most of them. With one host
there is nobody to wait for. Around a command in a root are four shells, each of which only starts the next: the last is
enough. And what pyinfra works out anew for each fact and operation, the types of its global arguments, or for each
stage, the connectors that are installed, all of which it loads, is worked out once. An application that finds nothing
to do asks by 50 commands: shells and types were a quarter of the processor's time that it took.
"""

import functools
import re
import shlex
import subprocess
from typing import Any

from pyinfra.api import arguments, facts, inventory
from pyinfra.connectors import chroot, local
from pyinfra.connectors.util import CommandOutput, OutputLine

# pyinfra looks up that for ssh whatever it connects to; nothing here is reached so.
CONNECTORS = {"local": local.LocalConnector, "chroot": chroot.ChrootConnector, "ssh": None}
IN_ROOT = re.compile(r"chroot ([\w./-]+) sh -c (.+)", re.DOTALL)
SHELL = "sh -c "

# Before any fact is imported: as a class it asks, too.
arguments.all_global_arguments = facts.all_global_arguments = functools.cache(arguments.all_global_arguments)  # type: ignore[attr-defined]
inventory.get_all_connectors = inventory.get_execution_connectors = lambda: CONNECTORS  # type: ignore[attr-defined]


def install() -> None:
    """Applies to the whole process; other users and roots included, since those are arguments of the command."""
    local.run_local_process = _run  # type: ignore[attr-defined, assignment]


def _run(command: str, stdin: Any = None, timeout: int | None = None, **_: Any) -> tuple[int, CommandOutput]:
    """Runs a command as pyinfra does, but never prints its output."""
    try:
        answer = subprocess.run(_argv(command), input=_lines(stdin), capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError from error
    said = (("stdout", answer.stdout), ("stderr", answer.stderr))
    lines = [OutputLine(name, line.rstrip("\n")) for name, text in said for line in _split(text)]
    return answer.returncode, CommandOutput(lines)


def _argv(command: str) -> list[str]:
    script = _innermost(command)
    in_root = IN_ROOT.fullmatch(script)
    if in_root and (inside := _unquoted(in_root[2])):
        return ["chroot", in_root[1], "sh", "-c", _innermost(inside)]
    return ["sh", "-c", script]


def _innermost(script: str) -> str:
    """The script of the last of the shells, each of which does nothing but start the next."""
    while script.startswith(SHELL) and (inside := _unquoted(script.removeprefix(SHELL))):
        script = inside
    return script


def _unquoted(word: str) -> str | None:
    """What shlex.quote made a word of; None where it is another text."""
    text = word[1:-1].replace("'\"'\"'", "'") if word.startswith("'") else word
    return text if shlex.quote(text) == word else None


def _split(text: bytes) -> list[str]:
    """Splits at line feeds only: a name may hold other characters that end a line for str.splitlines."""
    return [line.decode() for line in text.removesuffix(b"\n").split(b"\n")] if text else []


def _lines(stdin: Any) -> bytes:
    if hasattr(stdin, "readlines"):
        stdin = stdin.readlines()
    lines = stdin if isinstance(stdin, (list, tuple)) else [stdin] if stdin else []
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines).encode()
