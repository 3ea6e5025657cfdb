"""An S3 store in memory on loopback: python object_store.py PORT CERTIFICATE KEY.

A restore asks for a thousand parts of objects, and each command of pgBackRest comes with several connections of its own
at once. A server for any application takes several times as long for them; moto's own ends connections without notice.
BUCKET in the environment names a bucket that it has from the start, and KEPT a file in which that outlives it.
"""

import atexit
import contextlib
import io
import os
import pickle
import re
import signal
import socketserver
import ssl
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import FakeKey, s3_backends
from werkzeug.test import run_wsgi_app

RANGE = re.compile(r"bytes=(\d+)-(\d+)")
END = (b"\r\n", b"\n", b"")

Headers = list[tuple[str, str]]

backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
moto = create_backend_app("s3")
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)


class Connection(socketserver.StreamRequestHandler):
    """Answers one request after the other; in a thread of its own, the handshake too."""

    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.request = context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        while words := self.rfile.readline().decode().split():
            self._answer(*words[:2])

    def finish(self) -> None:
        """Says that it ends the connection, and does not wait for the answer."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()
            self.request.setblocking(False)
            self.request.unwrap()

    def _answer(self, method: str, target: str) -> None:
        lines = takewhile(lambda line: line not in END, iter(self.rfile.readline, None))
        pairs = (line.decode("latin-1").partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        if "expect" in headers:
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        size = headers.pop("content-length", 0)
        is_chunked = headers.pop("transfer-encoding", "") == "chunked"
        body = b"".join(self._chunks()) if is_chunked else self.rfile.read(int(size))
        path, _, query = target.partition("?")
        name = unquote_to_bytes(path).decode("latin-1")
        asked = RANGE.fullmatch(headers.get("range", ""))
        found = _part(name, *map(int, asked.groups())) if asked and method == "GET" and not query else None
        status, more, content = found or _asked_of_moto(method, target, name, query, headers, body)
        head = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in more)]
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1") + content)

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()


def _part(name: str, first: int, last: int) -> tuple[str, Headers, bytes] | None:
    """Of an object that has it. moto reads the whole one."""
    place, _, name = name.removeprefix("/").partition("/")
    key: FakeKey | None = backend.get_object(place, name) if place in backend.buckets else None
    if not key or first >= key.size:
        return None
    last = min(last, key.size - 1)
    with key.lock:
        key._value_buffer.seek(first)
        content = key._value_buffer.read(last - first + 1)
    headers = [
        ("Content-Type", "binary/octet-stream"),
        ("Content-Length", str(len(content))),
        ("Content-Range", f"bytes {first}-{last}/{key.size}"),
        ("ETag", key.etag),
        ("Last-Modified", key.last_modified_RFC1123),
    ]
    return "206 Partial Content", headers, content


def _asked_of_moto(
    method: str, target: str, name: str, query: str, headers: dict[str, str], body: bytes
) -> tuple[str, Headers, bytes]:
    environ = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": name,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": sys.argv[1],
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("content-type", ""),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    found, status, more = run_wsgi_app(moto, environ)
    content = b"".join(found)
    more.setdefault("Content-Length", str(len(content)))
    return status, [*more], content


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may end a connection at any time."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _make(bucket: str, kept: Path) -> None:
    backend.create_bucket(bucket, "ca-central-1")
    if kept.exists():
        backend.buckets[bucket] = pickle.loads(kept.read_bytes())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    atexit.register(lambda: kept.write_bytes(pickle.dumps(backend.buckets[bucket])))


def main() -> None:
    port, certificate, key = sys.argv[1:]
    context.load_cert_chain(certificate, key)
    if bucket := os.environ.get("BUCKET"):
        _make(bucket, Path(os.environ["KEPT"]))
    with Server(("127.0.0.1", int(port)), Connection) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
