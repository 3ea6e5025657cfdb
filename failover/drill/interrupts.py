"""Ctrl-C in a drill: it ends the drill, and never the restore."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Within `kept`, the first Ctrl-C raises KeyboardInterrupt where that is `allowed`; else it is kept for there."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._is_allowed = False
        self.is_pressed = False

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Changes nothing outside the main thread, or where Ctrl-C is ignored, as it is for a job in the background."""
        former = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or former is signal.SIG_IGN:
            yield
            return
        signal.signal(signal.SIGINT, self._pressed)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, former)

    @contextmanager
    def allowed(self) -> Iterator[None]:
        self._is_allowed = True
        try:
            if self.is_pressed:
                raise KeyboardInterrupt
            yield
        finally:
            self._is_allowed = False

    def _pressed(self, _number: int, _frame: FrameType | None) -> None:
        is_first, self.is_pressed = not self.is_pressed, True
        if is_first and self._is_allowed:
            raise KeyboardInterrupt
        self._say("interrupted: it ends as soon as it has restored")
