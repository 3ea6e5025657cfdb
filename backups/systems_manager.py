"""A command on a host in the cloud through Systems Manager's Run Command, watched until it ends."""

import base64
import gzip
import json
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backups.connection import Say, answered
from backups.errors import BackupError
from database.parameter_store import plain_errors

# How long the host may take to begin; less than 30 is refused (SendCommand, TimeoutSeconds).
DELIVERY_SECONDS = 60
CANCEL_SECONDS = 30
AWAY_SECONDS = 300
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.4, 5.0
# GetCommandInvocation, StandardOutputContent.
LONGEST_ANSWER = 24_000
# It is not known everywhere at once; and who asks too often is told to wait.
NOT_YET = ("InvocationDoesNotExist", "ThrottlingException")
ENDED = {"Success", "Failed", "Cancelled", "TimedOut"}
# StatusDetails of an invocation (Systems Manager, "Understanding command statuses"), without blanks.
FAULTS = {
    "DeliveryTimedOut": f"the host did not take the command within {DELIVERY_SECONDS} s; is it there, and its agent?",
    "ExecutionTimedOut": "took longer than the document allows, and was ended",
    "Undeliverable": "could not be delivered; is the host online? (AWS Systems Manager, Fleet Manager)",
    "Terminated": "was not run, for too many others failed",
    "AccessDenied": "the host's role may not run it",
    "InvalidPlatform": "the document is not for this host's operating system",
    "Cancelled": "was cancelled by somebody",
}


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command that was sent."""

    ssm: Any
    node: str
    number: str

    def __str__(self) -> str:
        return f"command {self.number} on {self.node}"


def send(ssm: Any, node: str, document: str, request: Mapping[str, Any]) -> Command:
    """Sends a request by the document that takes any. Raises DatabaseError with what AWS refuses."""
    written = base64.b64encode(json.dumps(request).encode()).decode()
    return _sent(ssm, node, document, {"Request": written}, str(request["act"]))


def send_drill(ssm: Any, node: str, document: str, seed: int | None) -> Command:
    """Sends a drill by its own document, which CI's role may send. Raises DatabaseError with what AWS refuses."""
    return _sent(ssm, node, document, {"Seed": json.dumps(seed)}, "drill")


def _sent(ssm: Any, node: str, document: str, parameters: Mapping[str, str], act: str) -> Command:
    with plain_errors("Systems Manager"):
        answer = ssm.send_command(
            InstanceIds=[node],
            DocumentName=document,
            Parameters={name: [value] for name, value in parameters.items()},
            TimeoutSeconds=DELIVERY_SECONDS,
            Comment=f"hybrid: {act}",
        )
    return Command(ssm=ssm, node=node, number=str(answer["Command"]["CommandId"]))


def result(command: Command, say: Say) -> dict[str, Any]:
    """The engine's answer. Ctrl-C cancels the command.

    Raises BackupError, DatabaseError, and KeyboardInterrupt when it has been cancelled.
    """
    say(f"{command}: sent")
    try:
        found = _awaited(command, say)
    except KeyboardInterrupt:
        _cancel(command, say)
        raise
    _relay(found, say)
    return _answer(command, found)


def _relay(found: Mapping[str, Any], say: Say) -> None:
    for line in str(found.get("StandardErrorContent", "")).splitlines():
        say(line)


def _awaited(command: Command, say: Say) -> dict[str, Any]:
    """The invocation when it has ended."""
    start, pause, last = time.monotonic(), FIRST_PAUSE_SECONDS, ""
    seen = start
    while True:
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        found = _looked(command)
        if found is None:
            if time.monotonic() - seen > AWAY_SECONDS:
                raise BackupError(f"{command}: AWS has not answered for {AWAY_SECONDS} s; it goes on by itself")
            continue
        seen = time.monotonic()
        state = str(found["Status"])
        if state in ENDED:
            return found
        if state != last:
            say(f"{command}: {_described(state)}")
            last = state


def _looked(command: Command) -> dict[str, Any] | None:
    """State of the command; None while AWS does not know it yet, or can't be reached: the command goes on there."""
    from botocore.exceptions import ClientError, HTTPClientError

    with plain_errors(f"{command} goes on by itself"):
        try:
            found: dict[str, Any] = command.ssm.get_command_invocation(
                CommandId=command.number, InstanceId=command.node
            )
        except HTTPClientError:
            return None
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in NOT_YET:
                return None
            raise
    return found


def _described(state: str) -> str:
    return {"Pending": "waits for the host", "InProgress": "runs", "Delayed": "waits for the host, which is late"}.get(
        state, state
    )


def _cancel(command: Command, say: Say) -> None:
    # A second Ctrl-C would leave it running.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with plain_errors(f"{command} can't be cancelled"):
            command.ssm.cancel_command(CommandId=command.number, InstanceIds=[command.node])
        deadline = time.monotonic() + CANCEL_SECONDS
        while time.monotonic() < deadline:
            found = _looked(command)
            if found is not None and found["Status"] in ENDED:
                _relay(found, say)
                say(f"{command}: cancelled; if it had stopped PostgreSQL, that starts again")
                say("the next backup, restore or drill clears up what it left: `./hybrid backup list`")
                return
            time.sleep(FIRST_PAUSE_SECONDS)
        say(f"{command}: told to end, and has not within {CANCEL_SECONDS} s")
    finally:
        signal.signal(signal.SIGINT, before)


def _answer(command: Command, found: Mapping[str, Any]) -> dict[str, Any]:
    text = str(found.get("StandardOutputContent", ""))
    details = str(found.get("StatusDetails", "")).replace(" ", "")
    if details in FAULTS and not text.strip():
        raise BackupError(f"{command}: {FAULTS[details]}")
    code = int(found.get("ResponseCode", -1))
    if not text.strip():
        raise BackupError(f"{command}: ended with exit code {code} and without an answer ({details})")
    return answered(code, _unpacked(command, text))


def _unpacked(command: Command, text: str) -> str:
    """Packed, so that more of it comes through."""
    try:
        return gzip.decompress(base64.b64decode("".join(text.split()), validate=True)).decode()
    except (ValueError, OSError, EOFError) as error:
        why = "is longer than Systems Manager hands on" if len(text) >= LONGEST_ANSWER else "can't be read"
        raise BackupError(f"{command}: its answer {why} ({len(text)} characters, {LONGEST_ANSWER} at most)") from error
