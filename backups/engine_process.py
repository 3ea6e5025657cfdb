"""The engine as a process of this machine: request on stdin, progress on stderr, interrupted with the command."""

import json
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Thread, current_thread, main_thread
from typing import IO, Any

from backups.connection import Say, answered

# Throw-away clusters are stopped at once, and their files removed.
CLEAN_SECONDS = 120


def run(argv: Sequence[str], request: Mapping[str, Any], say: Say, interrupt: Callable[[int], None]) -> dict[str, Any]:
    """Runs the recovery engine and returns its answer. `interrupt` takes the process's id and has the engine end.

    Raises BackupError, and KeyboardInterrupt once the engine has cleaned up.
    """
    # Else one that comes before there is anybody to end what was started would wait for its own end, unheard.
    release = _hold_interruption()
    try:
        # A session of its own: a terminal's Ctrl-C would end what is between here and the engine, and not wait for it.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        inward, outward, progress = _pipes(process)
        relay = Thread(target=_relay, args=(progress, say), daemon=True)
        relay.start()
    except BaseException:
        release()
        raise
    with process:
        try:
            release()
            text = _talk(inward, outward, request)
            code = process.wait()
        except KeyboardInterrupt:
            _end(process, say, interrupt)
            raise
        finally:
            relay.join(CLEAN_SECONDS)
    return answered(code, text)


@contextmanager
def interruption_held() -> Iterator[None]:
    """Holds Ctrl-C back until the end of the block, which raises it; where the block failed, that says more."""
    release = _hold_interruption()
    try:
        yield
    except BaseException:
        with suppress(KeyboardInterrupt):
            release()
        raise
    release()


def _hold_interruption() -> Callable[[], None]:
    """Holds Ctrl-C back until the returned function is called, which raises it."""
    before = signal.getsignal(signal.SIGINT)
    # Where it is ignored nobody is interrupted, and only the main thread may say what it does.
    if before is signal.SIG_IGN or current_thread() is not main_thread():
        return lambda: None
    came: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))

    def release() -> None:
        signal.signal(signal.SIGINT, before)
        if came:
            # Whoever holds it back around this has it.
            signal.raise_signal(signal.SIGINT)

    return release


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str], IO[str]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise TypeError("a process without its three pipes")
    return process.stdin, process.stdout, process.stderr


def _talk(inward: IO[str], outward: IO[str], request: Mapping[str, Any]) -> str:
    # One that ended before it read has said why.
    with suppress(BrokenPipeError):
        inward.write(json.dumps(request))
        inward.flush()
    with suppress(BrokenPipeError):
        inward.close()
    return outward.read()


def _relay(progress: IO[str], say: Say) -> None:
    for line in progress:
        if line.strip():
            say(line.rstrip())


def _end(process: subprocess.Popen[str], say: Say, interrupt: Callable[[int], None]) -> None:
    # An impatient second Ctrl-C would leave behind what is not removed yet.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        say("interrupted: the host ends what it began, and clears up")
        interrupt(process.pid)
        process.wait(CLEAN_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        say(f"not done within {CLEAN_SECONDS} s: the next backup, restore or drill clears up what is left")
    finally:
        signal.signal(signal.SIGINT, before)
