"""gunicorn's configuration for the object server: TLS connections that close with notice.

pgBackRest fails with "TLS error unexpected eof" on one that just ends, as moto's own server and gunicorn leave it.
"""

import contextlib
import ssl
from collections.abc import Callable
from typing import Any


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


def ssl_context(config: Any, default: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Called by gunicorn."""
    context = default()
    context.sslsocket_class = NotifyingSocket
    return context
