"""The store as a WSGI application: moto's, which answers a change only once it is on the disk."""

import errno
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import s3_backends

from local.object_store import expiry
from local.object_store.backend import Backend
from local.object_store.files import StoreFiles
from local.object_store.replication import Replicator
from local.object_store.settings import Settings, change
from local.object_store.store import Store

StartResponse = Callable[..., Any]


class Application:
    """moto's application around a folder: what is in it is loaded, and replication goes on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        files = StoreFiles(folder)
        # Before moto makes its own.
        s3_backends.backend = Backend
        backend = cast(Backend, s3_backends[DEFAULT_ACCOUNT_ID]["aws"])
        self._moto = create_backend_app("s3")
        self._store = Store(files, backend)
        self._settings = Settings(files, backend, self._moto)
        now = datetime.now(UTC).replace(tzinfo=None)
        for bucket in self._settings.load():
            self._store.load(bucket)
            expiry.expire(bucket, now)
        self._store.write_changes()
        Replicator(backend, self._store).start()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        # gunicorn promises that a body ends where it is cut off, too; without the promise werkzeug counts, and refuses
        # what is shorter than its Content-Length, as S3 does (IncompleteBody).
        if environ.get("CONTENT_LENGTH"):
            environ.pop("wsgi.input_terminated", None)
        asked = change(environ)
        answer: list[Any] = []

        def remember(*started: Any) -> Callable[[bytes], None]:
            answer[:] = started
            return lambda _: None

        try:
            try:
                body: Iterable[bytes] = self._moto(environ, remember)
            finally:
                self._store.write_changes()
            if asked and answer[0].startswith("2"):
                self._settings.store(asked)
        except OSError as error:
            print(f"{environ['PATH_INFO']}: can't be served: {error}", file=sys.stderr, flush=True)
            return _refused(start_response, is_full=error.errno in (errno.ENOSPC, errno.EDQUOT))
        start_response(*answer)
        return body


def _refused(start_response: StartResponse, *, is_full: bool) -> list[bytes]:
    """S3's answer to a fault of its own, after which clients try again; S3's disks are never full."""
    status, code, fault = "500 Internal Server Error", "InternalError", "the store's folder fails; see its log"
    if is_full:
        status, code, fault = (
            "507 Insufficient Storage",
            "InsufficientStorage",
            "the disk of the store's folder is full",
        )
    text = f"<Error><Code>{code}</Code><Message>{fault}</Message></Error>".encode()
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
    return [text]
