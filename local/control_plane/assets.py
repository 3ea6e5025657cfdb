"""A Worker's static files: taken for uploaded before, because nothing here serves them."""

import secrets

from local.control_plane.calls import Work
from local.control_plane.envelope import Answer, bad_request, not_found, ok
from local.control_plane.routes import scripts


def session(work: Work) -> Answer:
    """No file is asked for, so the token is the one that completes the upload."""
    if work.names["script"] not in scripts(work):
        raise not_found(10007, "This Worker does not exist on your account.")
    manifest = work.call.document.get("manifest")
    if not isinstance(manifest, dict) or not manifest:
        raise bad_request(10021, "manifest: an object of at least one path with its hash and size")
    return ok({"jwt": secrets.token_urlsafe(30), "buckets": []})
