"""An S3 store in memory, for gunicorn to serve with TLS; moto's own TLS server ends connections without notice.

BUCKET in the environment names a bucket that it has from the start.
"""

import os
import re
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import FakeKey, s3_backends

RANGE = re.compile(r"bytes=(\d+)-(\d+)")

backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
moto = create_backend_app("s3")
if bucket := os.environ.get("BUCKET"):
    backend.create_bucket(bucket, "ca-central-1")


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """moto's but for ranges: a restore asks for a thousand of them, and moto reads the whole object for each."""
    asked = RANGE.fullmatch(environ.get("HTTP_RANGE", ""))
    if asked and environ["REQUEST_METHOD"] == "GET" and not environ["QUERY_STRING"]:
        place, _, name = environ["PATH_INFO"].removeprefix("/").partition("/")
        key = backend.get_object(place, name) if place in backend.buckets else None
        first, last = map(int, asked.groups())
        if key and first < key.size:
            return _part(key, first, min(last, key.size - 1), start_response)
    found: Iterable[bytes] = moto(environ, start_response)
    return found


def _part(key: FakeKey, first: int, last: int, start_response: Callable[..., Any]) -> Iterable[bytes]:
    with key.lock:
        key._value_buffer.seek(first)
        content = key._value_buffer.read(last - first + 1)
    headers = {
        "Content-Type": "binary/octet-stream",
        "Content-Length": str(len(content)),
        "Content-Range": f"bytes {first}-{last}/{key.size}",
        "ETag": key.etag,
        "Last-Modified": key.last_modified_RFC1123,
    }
    start_response("206 Partial Content", list(headers.items()))
    return [content]
