"""A connection to a host's recovery engine (host/recovery/), and how its answer is read."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError

from backups.errors import BackupError, UnansweredError
from host.recovery.contract import Answer, Backup, Request, Restored, RestoreRequest, Source, document

Say = Callable[[str], None]
"""Takes one line for the operator."""
INTERRUPTED = 130
A = TypeVar("A", bound=Answer)


class Connection(Protocol):
    """A connection to the recovery engine of one stack's host."""

    stack: str
    evidence: Path
    """Folder for what drills find out, unless another is named."""

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The engine's answer; its progress is said. Ctrl-C ends it there, too.

        Raises BackupError with the faults that it names, and HybridError where it can't be reached.
        """

    def restore_in_place(self, wanted: RestoreRequest) -> Restored:
        """Has the data restored into the cluster that serves, which is stopped meanwhile, and started again."""

    def copy_states(self, backups: Sequence[Backup], source: Source) -> dict[str, str]:
        """What became of each backup's copy, by label, in words; never raises for what can't be asked."""


def asked(connection: Connection, kind: type[A], request: Request) -> A:
    """The answer as data. Raises BackupError for one that has another shape."""
    return read(kind, request.act, connection.ask(document(request)))


def read(kind: type[A], act: str, answer: Mapping[str, Any]) -> A:
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise BackupError(
            f"host.recovery ({act}): answers otherwise than expected: {path}: {first['msg']}; "
            "are the host's and this checkout's versions the same?"
        ) from error


def answered(code: int, text: str) -> dict[str, Any]:
    """The engine's one JSON object. Raises BackupError: one line a fault that it names."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = None
    if isinstance(answer, dict) and code == 0:
        return answer
    if isinstance(answer, dict) and answer.get("faults"):
        raise BackupError("\n".join(str(fault) for fault in answer["faults"]))
    if code == INTERRUPTED:
        raise UnansweredError(
            "host.recovery: was interrupted on the host before it had an answer; see `./hybrid backup list`"
        )
    ended = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
    raise UnansweredError(
        f"host.recovery: {ended} and without an answer; what it left is in `./hybrid backup list`, "
        "and the next backup, restore or drill clears it up"
    )
