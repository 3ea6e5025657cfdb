"""Connections that end by a deadline. A timeout of each read is none: a byte a second keeps it waiting for ever."""

import queue
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpcore

from failover.common.clock import left

NEVER = float("inf")
Answer = TypeVar("Answer")


def within(seconds: float, act: Callable[[], Answer]) -> Answer:
    """For connections that are somebody else's: raises TimeoutError when it takes longer, and leaves it to itself."""
    ends: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ends.put((act(), None))
        except BaseException as error:  # noqa: BLE001 (raised below, in the thread that waits)
            ends.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = ends.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]


class DeadlineBackend(httpcore.NetworkBackend):
    """For one request at a time: `until` is the deadline (monotonic seconds) of all that its connections do."""

    def __init__(self) -> None:
        self.until = NEVER
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self.seconds(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.connect_tcp(host, port, seconds, local_address, socket_options), self)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, left(self.until)))

    def seconds(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
        """What is left of both; raises `late` where nothing is."""
        if self.until == NEVER:
            return timeout
        rest = left(self.until)
        if rest == 0:
            raise late("the deadline is over")
        return rest if timeout is None else min(timeout, rest)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.seconds(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.seconds(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._backend.seconds(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
