"""A relay to a server: it can be shut, or held, and counts what goes through."""

import socket
import threading
from contextlib import suppress
from typing import Literal

State = Literal["open", "held", "shut"]
CHUNK_BYTES = 65536


class Gate:
    """Listens on `port` of loopback and leads to `target`. Held, nothing moves; shut, it refuses and hangs up."""

    def __init__(self, port: int, target: int) -> None:
        self.port = port
        self.sent_bytes = 0
        """What clients have sent."""
        self._target = target
        self._state: State = "shut"
        self._after: tuple[int, State] | None = None
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self.open()

    def open(self) -> None:
        with self._changed:
            was_shut = self._state == "shut"
            self._set("open")
        if was_shut:
            listener = socket.create_server(("127.0.0.1", self.port))
            self._keep(listener)
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def hold(self) -> None:
        with self._changed:
            self._set("held")

    def shut(self) -> None:
        with self._changed:
            self._set("shut")
            found = list(self._sockets)
            self._sockets.clear()
        for one in found:
            # Its thread may wait in it: only this wakes it.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def after(self, more_bytes: int, state: State) -> None:
        """Changes once clients have sent so much more."""
        with self._changed:
            self._after = (self.sent_bytes + more_bytes, state)

    @property
    def is_open(self) -> bool:
        return self._state == "open"

    def _set(self, state: State) -> None:
        self._state, self._after = state, None
        self._changed.notify_all()

    def _keep(self, one: socket.socket) -> None:
        with self._changed:
            self._sockets.add(one)

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for source, sink, counts in ((client, server, True), (server, client, False)):
                    self._keep(source)
                    threading.Thread(target=self._copy, args=(source, sink, counts), daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while (chunk := source.recv(CHUNK_BYTES)) and self._passes(len(chunk) if counts else 0):
                sink.sendall(chunk)
        with self._changed:
            self._sockets -= {source}
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        source.close()

    def _passes(self, size: int) -> bool:
        """Whether what came may go on; waits while it is held."""
        with self._changed:
            self.sent_bytes += size
            due = self._after
            if due and self.sent_bytes >= due[0]:
                self._set(due[1])
            self._changed.wait_for(lambda: self._state != "held")
            state = self._state
        if state == "shut":
            self.shut()
        return state == "open"
