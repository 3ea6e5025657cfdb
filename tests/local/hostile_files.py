"""What schemathesis sends as files: of the types that the API takes, and beginning as such a file does."""

import schemathesis
from hypothesis import strategies as st

SIGNATURES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\0\0\0\0WEBP",
    "image/avif": b"\0\0\0\x20ftypavif",
    "application/pdf": b"%PDF-",
}


def _files(signature: bytes) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=100).map(lambda rest: signature + rest)


for content_type, signature in SIGNATURES.items():
    schemathesis.openapi.media_type(content_type, _files(signature))
