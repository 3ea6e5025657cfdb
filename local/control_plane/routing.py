"""Which handler answers a request, and which scope its token needs: one of several is enough.

By hand, not by werkzeug's router: the paths of stored resources are patterns already, each row needs its scopes, and
what is left of a router is the loop in `find`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from local.control_plane import records, resources, routes, tokens, zones
from local.control_plane.calls import Handler
from local.control_plane.resources import ACCOUNT, DOCUMENTS, KINDS, ZONE

ONE = r"/(?P<id>[^/]+)"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    method: str
    path: re.Pattern[str]
    scopes: tuple[str, ...]
    """Empty where any token will do, even one that is not in force any more."""
    handler: Handler


def _endpoint(method: str, path: str, handler: Handler, *scopes: str) -> Endpoint:
    return Endpoint(method=method, path=re.compile(path), scopes=scopes, handler=handler)


def _stored() -> Iterator[Endpoint]:
    for kind in KINDS:
        for (method, is_one), handler in resources.handlers(kind).items():
            scope = f"{kind.scope}:{'read' if method == 'GET' else 'write'}"
            yield _endpoint(method, kind.path + (ONE if is_one else ""), handler, scope)
    for path, scope in DOCUMENTS.items():
        yield _endpoint("GET", path, resources.get_document, f"{scope}:read")
        yield _endpoint("PUT", path, resources.put_document, f"{scope}:write")
        yield _endpoint("DELETE", path, resources.delete_document, f"{scope}:write")


# A zone's details are shown to whoever may read something in it (a guess; the API reference has a long list).
IN_ZONE = ("zone:read", "dns:read", "routes:read")
ENDPOINTS = (
    _endpoint("GET", "/user/tokens/verify", zones.verify_token),
    _endpoint("GET", f"{ACCOUNT}/tokens/verify", zones.verify_token),
    _endpoint(
        "POST",
        f"{ACCOUNT}/workers/scripts/(?P<script>[^/]+)/assets-upload-session",
        resources.upload_session,
        "workers:write",
    ),
    _endpoint("GET", f"{ACCOUNT}/tokens/permission_groups", tokens.listing, "tokens:read"),
    _endpoint("GET", "/accounts", zones.accounts, "account:read"),
    _endpoint("GET", ACCOUNT, zones.account, "account:read"),
    _endpoint("GET", "/zones", zones.listing, *IN_ZONE),
    _endpoint("GET", ZONE, zones.get, *IN_ZONE),
    _endpoint("GET", f"{ZONE}/dns_records", records.listing, "dns:read"),
    _endpoint("POST", f"{ZONE}/dns_records", records.create, "dns:write"),
    _endpoint("POST", f"{ZONE}/dns_records/batch", records.batch, "dns:write"),
    _endpoint("GET", f"{ZONE}/dns_records{ONE}", records.get, "dns:read"),
    _endpoint("PUT", f"{ZONE}/dns_records{ONE}", records.replace, "dns:write"),
    _endpoint("PATCH", f"{ZONE}/dns_records{ONE}", records.edit, "dns:write"),
    _endpoint("DELETE", f"{ZONE}/dns_records{ONE}", records.delete, "dns:write"),
    _endpoint("GET", f"{ZONE}/workers/routes", routes.listing, "routes:read"),
    _endpoint("POST", f"{ZONE}/workers/routes", routes.create, "routes:write"),
    _endpoint("GET", f"{ZONE}/workers/routes{ONE}", routes.get, "routes:read"),
    _endpoint("PUT", f"{ZONE}/workers/routes{ONE}", routes.replace, "routes:write"),
    _endpoint("DELETE", f"{ZONE}/workers/routes{ONE}", routes.delete, "routes:write"),
    *_stored(),
)


def find(method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
    """The endpoint, and what the path names."""
    for endpoint in ENDPOINTS:
        match = endpoint.path.fullmatch(path) if endpoint.method == method else None
        if match:
            return endpoint, match.groupdict()
    return None
