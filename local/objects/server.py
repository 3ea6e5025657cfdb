"""The local S3 under gunicorn: this file is its configuration and has its application.

TLS connections close with notice: pgBackRest fails with "TLS error unexpected eof" on one that just ends, as moto's own
server and gunicorn leave it.
"""

import contextlib
import os
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any


def application() -> Any:
    """Serves what the folder in HYBRID_OBJECTS holds, and stores changes there. Called by the worker."""
    # gunicorn's first process reads this file too, and has no use for moto.
    from local.object_store.application import Application

    return Application(Path(os.environ["HYBRID_OBJECTS"]))


class NotifyingSocket(ssl.SSLSocket):
    """Sends TLS's close_notify before it closes, and does not wait for the answer."""

    def shutdown(self, how: int) -> None:
        self._notify()
        super().shutdown(how)

    def close(self) -> None:
        self._notify()
        super().close()

    def _notify(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.setblocking(False)
            self.unwrap()


CONTEXTS: list[ssl.SSLContext] = []


def ssl_context(config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Called by gunicorn for each connection. With another certificate the server is another process."""
    if not CONTEXTS:
        made = default()
        made.sslsocket_class = NotifyingSocket
        # Whole: another thread may take it at once.
        CONTEXTS.append(made)
    return CONTEXTS[0]
