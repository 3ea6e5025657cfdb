"""Carry out one act on the host: python -m host.recovery SPEC --root DIR [--request BASE64] [--compact].

The request is JSON, on standard input without --request; the answer one JSON object on standard output, with --compact
as base64 of its gzip, and what is being done comes line by line on standard error. Exit code 1 with {"faults": […]}
when it was refused or failed, 2 for wrong usage, 130 when it was interrupted; then, too, nothing is left behind.
"""

import argparse
import base64
import binascii
import gzip
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from host.recovery import drill, opened, plan, position, repository_acts, restore, swap
from host.recovery.contract import Answer, Request, parse, sent
from host.recovery.errors import RecoveryError, plain_faults
from host.recovery.machine import Machine
from host.specification.reading import SpecError, load

ACTS: dict[str, Callable[[Machine, Any], Answer]] = {
    "list": repository_acts.listing,
    "backup": repository_acts.take_backup,
    "verify": repository_acts.verify,
    "plan": plan.act,
    "restore": restore.act,
    "stage": restore.stage,
    "swap": swap.swap,
    "unswap": swap.unswap,
    "discard": restore.discard_cluster,
    "open": opened.open_cluster,
    "close": opened.close_cluster,
    "position": position.act,
    "drill": drill.act,
}
INTERRUPTED = 130
AFTER_A_REBOOT = (
    "it is in memory, and after a reboot the next convergence writes it, at most half an hour later; to have it now see"
    ' docs/runbooks/database.md, "When a host does not converge"'
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="host.recovery", description="Back up, restore, and prove it.")
    parser.add_argument("spec", type=Path, help="JSON file that says what the host is to become")
    parser.add_argument("--root", type=Path, required=True, help="root file system; / for this machine itself")
    parser.add_argument("--request", metavar="BASE64", help="the request; standard input without it")
    parser.add_argument("--compact", action="store_true", help="pack the answer, for a carrier that cuts long ones")
    options = parser.parse_args(arguments)
    # chroot and setpriv are in sbin, which is not on an ordinary user's PATH.
    os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        # Who starts it may have blocked it: Python's own start would show where it was met.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        request = parse(_text(options.request))
        if not options.spec.exists():
            raise RecoveryError(f"{options.spec}: is not there; {AFTER_A_REBOOT}")
        answer = sent(carried_out(Machine(options.root.resolve(), load(options.spec)), request))
    except (RecoveryError, SpecError) as error:
        print(_written({"faults": str(error).splitlines()}, is_packed=options.compact))
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - who asked has to get an answer, also where the engine itself is wrong
        traceback.print_exc()
        fault = f"host.recovery: {type(error).__name__}: {' '.join(str(error).split())[:300]}; it said where on stderr"
        print(_written({"faults": [fault]}, is_packed=options.compact))
        return 1
    print(_written(answer, is_packed=options.compact))
    return 0


def carried_out(machine: Machine, request: Request) -> Answer:
    """The act's answer; raises RecoveryError."""
    with plain_faults(machine.clusters):
        return ACTS[request.act](machine, request)


def _text(encoded: str | None) -> bytes:
    if encoded is None:
        return sys.stdin.buffer.read()
    try:
        return base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        raise RecoveryError("--request: is not base64") from None


def _written(answer: dict[str, Any], *, is_packed: bool) -> str:
    text = json.dumps(answer)
    return base64.b64encode(gzip.compress(text.encode())).decode() if is_packed else text


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Once: what is cleaned up then is not to be interrupted again.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
