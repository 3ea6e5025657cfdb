"""S3 as a WSGI application (moto), for gunicorn. It keeps objects in memory and forgets them when it ends."""

from typing import Any

from moto.moto_server.werkzeug_app import create_backend_app
from moto.s3.models import FakeDeleteMarker, S3Backend

listed = S3Backend.list_objects


def list_objects(backend: S3Backend, bucket: Any, prefix: Any, *rest: Any, **options: Any) -> Any:
    """Without the folders of which every object was deleted, which moto lists on where the bucket is versioned."""
    keys, folders, is_truncated, marker = listed(backend, bucket, prefix, *rest, **options)
    there = [name for name, key in bucket.keys.items() if not isinstance(key, FakeDeleteMarker)]
    filled = [folder for folder in folders if any(name.startswith(folder) for name in there)]
    return keys, filled, is_truncated, marker


S3Backend.list_objects = list_objects  # type: ignore[assignment, method-assign]
application = create_backend_app("s3")
