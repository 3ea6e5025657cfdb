"""Resources that the control plane only stores: the collections, what the API adds to a new one, and their handlers.

What is added is what the official SDK's models require. They are made, read, listed, changed and removed, and nothing
comes of them.
A Worker's static files are taken for uploaded before, because nothing here serves them.
"""

import copy
import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from local.control_plane import tokens
from local.control_plane.calls import (
    Answer,
    ApiError,
    Handler,
    Work,
    bad_request,
    no_object,
    not_found,
    ok,
    page,
    timestamp,
)
from local.control_plane.routes import scripts

Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    path: str
    """Regular expression of the collection's path below /client/v4."""
    scope: str
    identity: Callable[[Fields], str] = lambda fields: uuid.uuid4().hex
    added: Callable[[Fields], Fields] = lambda fields: {}
    """Fields that a new one gets besides."""
    taken: Callable[[Fields], Fields] = lambda fields: fields
    """Turns given fields into stored ones; raises ApiError for what is refused."""
    derived: Callable[[Fields, datetime], Fields] = lambda fields, now: {}
    """What is told of it at a moment, whatever is stored."""
    has_own_names: bool = True
    """Whether names are unique."""
    created_on: str = "created_on"
    modified_on: str = "modified_on"
    listed_as: str | None = None
    """Where a list is not the result itself, the name that it has there."""
    write_only: tuple[tuple[str, ...], ...] = ()
    """Paths of fields that are taken and never shown."""
    shown_once: tuple[str, ...] = ()
    """Fields that only the answer to the creation has."""


def _uuid(fields: Fields) -> str:
    return str(uuid.uuid4())


def _name(fields: Fields) -> str:
    return str(fields.get("name", ""))


def _worker(fields: Fields) -> Fields:
    kinds = ("dispatch_namespace_outbounds", "domains", "durable_objects", "queues", "workers")
    references: Fields = {kind: [] for kind in kinds}
    blank = {"logpush": False, "observability": {}, "subdomain": {}, "tags": [], "tail_consumers": []}
    return {**blank, "references": references}


def _project(fields: Fields) -> Fields:
    name = _name(fields)
    environment = {
        "always_use_latest_compatibility_date": False,
        "build_image_major_version": 3,
        "compatibility_date": "2026-07-01",
        "compatibility_flags": [],
        "fail_open": True,
        "usage_model": "standard",
    }
    return {
        "id": str(uuid.uuid4()),
        "subdomain": f"{name}.pages.dev",
        "domains": [f"{name}.pages.dev"],
        "framework": "",
        "framework_version": "",
        "preview_script_name": f"pages-worker--{name}-preview",
        "production_script_name": f"pages-worker--{name}-production",
        "deployment_configs": {"preview": environment, "production": environment},
        "production_branch": "main",
    }


def _domain(fields: Fields) -> Fields:
    return {
        "id": str(uuid.uuid4()),
        "domain_id": str(uuid.uuid4()),
        "certificate_authority": "google",
        "status": "active",
        "validation_data": {"method": "http", "status": "active"},
        "verification_data": {"status": "active"},
        "zone_tag": "",
    }


def _bucket(fields: Fields) -> Fields:
    """Request fields are named differently from response fields."""
    names = {"locationHint": "location", "storageClass": "storage_class"}
    return {names.get(key, key): value for key, value in fields.items()}


def _service_token(fields: Fields) -> Fields:
    return {"client_id": f"{uuid.uuid4().hex}.access", "client_secret": secrets.token_hex(32), "duration": "8760h"}


ACCOUNT = r"/accounts/(?P<account>[0-9a-f]{32})"
ZONE = r"/zones/(?P<zone>[0-9a-f]{32})"
KINDS = (
    Kind(
        path=f"{ACCOUNT}/r2/buckets",
        scope="r2",
        identity=_name,
        created_on="creation_date",
        modified_on="",
        listed_as="buckets",
        added=lambda fields: {"storage_class": "Standard", "jurisdiction": "default"},
        taken=_bucket,
    ),
    Kind(
        path=f"{ACCOUNT}/hyperdrive/configs",
        scope="hyperdrive",
        write_only=(("origin", "password"), ("origin", "access_client_secret")),
    ),
    Kind(path=f"{ACCOUNT}/workers/workers", scope="workers", added=_worker, modified_on="updated_on"),
    Kind(
        path=f"{ACCOUNT}/workers/workers/[^/]+/versions",
        scope="workers",
        identity=_uuid,
        added=lambda fields: {"urls": [], "source": "api"},
        modified_on="",
        write_only=(("assets", "jwt"),),
    ),
    Kind(
        path=f"{ACCOUNT}/workers/scripts/[^/]+/deployments",
        scope="workers",
        identity=_uuid,
        added=lambda fields: {"source": "api"},
        modified_on="",
        listed_as="deployments",
    ),
    Kind(path=f"{ACCOUNT}/pages/projects", scope="pages", identity=_name, added=_project, modified_on=""),
    Kind(path=f"{ACCOUNT}/pages/projects/[^/]+/domains", scope="pages", identity=_name, added=_domain, modified_on=""),
    Kind(
        path=f"{ACCOUNT}/cfd_tunnel",
        scope="tunnels",
        identity=_uuid,
        added=lambda fields: {"status": "inactive", "tun_type": "cfd_tunnel", "connections": []},
        created_on="created_at",
        modified_on="",
        write_only=(("tunnel_secret",),),
    ),
    Kind(
        path=f"{ACCOUNT}/access/service_tokens",
        scope="access",
        identity=_uuid,
        added=_service_token,
        created_on="created_at",
        modified_on="updated_at",
        shown_once=("client_secret",),
    ),
    *(
        Kind(
            path=f"{ACCOUNT}/access/{kind}",
            scope="access",
            identity=_uuid,
            created_on="created_at",
            modified_on="updated_at",
        )
        for kind in ("apps", "policies")
    ),
    Kind(
        path=f"{ACCOUNT}/tokens",
        scope="tokens",
        added=tokens.added,
        taken=tokens.taken,
        derived=tokens.status,
        has_own_names=False,
        created_on="issued_on",
        write_only=(("sha256",),),
        shown_once=("value",),
    ),
    Kind(path=f"{ACCOUNT}/mtls_certificates", scope="certificates", identity=_uuid, write_only=(("private_key",),)),
    Kind(
        path=f"{ZONE}/healthchecks",
        scope="healthchecks",
        added=lambda fields: {"status": "unknown", "failure_reason": ""},
    ),
    Kind(path=f"{ACCOUNT}/alerting/v3/policies", scope="notifications", created_on="created", modified_on="modified"),
)
DOCUMENTS: Mapping[str, str] = {
    f"{ACCOUNT}/r2/buckets/[^/]+/(cors|lifecycle|lock|sippy)": "r2",
    f"{ACCOUNT}/r2/buckets/[^/]+/domains/managed": "r2",
    f"{ACCOUNT}/cfd_tunnel/[^/]+/configurations": "tunnels",
}
"""Single documents that are put and read as a whole: path → scope."""


JURISDICTION = "cf-r2-jurisdiction"


def handlers(kind: Kind) -> dict[tuple[str, bool], Handler]:
    """Handlers by method and whether the path names one of the collection."""
    return {
        ("GET", False): lambda work: _listing(kind, work),
        ("POST", False): lambda work: _create(kind, work),
        ("GET", True): lambda work: ok(_shown(kind, _found(work), work.now)),
        ("PUT", True): lambda work: _change(kind, work, merges=False),
        ("PATCH", True): lambda work: _change(kind, work, merges=True),
        ("DELETE", True): _delete,
    }


def put_document(work: Work) -> Answer:
    work.data["documents"][work.call.path] = work.call.document
    return get_document(work)


def get_document(work: Work) -> Answer:
    found = work.data["documents"].get(work.call.path)
    if found is None:
        raise no_object(work.call.path)
    names: Fields = {"account_id": work.names["account"]}
    if work.call.path.endswith("/configurations"):
        names |= {"tunnel_id": work.call.path.split("/")[-2], "version": 1, "source": "cloudflare"}
    return ok({**found, **names})


def delete_document(work: Work) -> Answer:
    work.data["documents"].pop(work.call.path, None)
    return ok({})


def _listing(kind: Kind, work: Work) -> Answer:
    rows = [_shown(kind, row, work.now) for row in work.data["resources"].get(work.call.path, {}).values()]
    name = work.call.query.get("name")
    rows = [row for row in rows if name in (None, row.get("name"))]
    if kind.listed_as:
        # The newest deployment is the one in service, and comes first.
        return ok({kind.listed_as: rows[::-1]})
    return page(rows, work.call.query)


def _create(kind: Kind, work: Work) -> Answer:
    given = work.call.document
    identity = kind.identity(given)
    rows = work.data["resources"].setdefault(work.call.path, {})
    if not identity:
        raise bad_request(10001, "name: is missing")
    names = {row["name"] for row in rows.values() if "name" in row and kind.has_own_names}
    if identity in rows or given.get("name") in names:
        raise ApiError(HTTPStatus.CONFLICT, 10004, f"{given.get('name')}: one of that name already exists.")
    if work.call.path.endswith("/deployments"):
        _refuse_deployment(work)
    made = kind.taken(_merged({"id": identity, **kind.added(given)}, given))
    if work.call.path.endswith("/versions"):
        made["number"] = len(rows) + 1
    if "jurisdiction" in made and JURISDICTION in work.call.headers:
        made["jurisdiction"] = work.call.headers[JURISDICTION]
    made[kind.created_on] = timestamp(work.now)
    if kind.modified_on:
        made[kind.modified_on] = timestamp(work.now)
    rows[identity] = {key: value for key, value in made.items() if key not in kind.shown_once}
    return ok(_shown(kind, made, work.now))


def _refuse_deployment(work: Work) -> None:
    """One version or two of this Worker, of 100 per cent together."""
    account, _, rest = work.call.path.partition("/workers/scripts/")
    name = rest.partition("/")[0]
    workers = work.data["resources"].get(f"{account}/workers/workers", {}).values()
    ids = [row["id"] for row in workers if row["name"] == name]
    if name not in scripts(work):
        raise not_found(10007, "This Worker does not exist on your account.")
    known = {one for key in ids for one in work.data["resources"].get(f"{account}/workers/workers/{key}/versions", {})}
    given = work.call.document.get("versions") or []
    shares = [share.get("percentage", 0) for share in given]
    if len(given) not in (1, 2) or sum(shares) != 100 or min(shares) <= 0:
        raise bad_request(10021, "versions: one or two, whose percentages are 100 together")
    if ids and {share["version_id"] for share in given} - known:
        raise bad_request(10021, "versions: no such version of this Worker")


def _change(kind: Kind, work: Work, *, merges: bool) -> Answer:
    """PATCH leaves what it does not name; PUT leaves what the API itself has added."""
    before = _found(work)
    given = {key: value for key, value in work.call.document.items() if key not in kind.shown_once}
    own = {"id", kind.created_on, "client_id", "number", *kind.added(before)} - set(kind.shown_once)
    base = before if merges else {key: value for key, value in before.items() if key in own}
    after = kind.taken(_merged(base, given)) | {"id": before["id"]}
    if kind.modified_on:
        after[kind.modified_on] = timestamp(work.now)
    rows = work.data["resources"][work.call.path.rpartition("/")[0]]
    rows[_key(work)] = after
    return ok(_shown(kind, after, work.now))


def _delete(work: Work) -> Answer:
    row = _found(work)
    del work.data["resources"][work.call.path.rpartition("/")[0]][_key(work)]
    for documents in (work.data["documents"], work.data["resources"]):
        for path in [path for path in documents if path.startswith(f"{work.call.path}/")]:
            del documents[path]
    return ok({"id": row["id"]})


def _key(work: Work) -> str:
    """Key of what the path names, by id or by name (Workers may be named)."""
    collection, _, last = work.call.path.rpartition("/")
    rows = work.data["resources"].get(collection, {})
    key = last if last in rows else next((key for key, row in rows.items() if row.get("name") == last), None)
    if key is None:
        raise no_object(work.call.path)
    return key


def _found(work: Work) -> Fields:
    found: Fields = work.data["resources"].get(work.call.path.rpartition("/")[0], {}).get(_key(work))
    return found


def _merged(base: Fields, given: Fields) -> Fields:
    """Objects are merged, all else replaced."""
    merged = copy.deepcopy(base)
    for key, value in given.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _shown(kind: Kind, row: Fields, now: datetime) -> Fields:
    shown = {**copy.deepcopy(row), **kind.derived(row, now)}
    for *folders, last in kind.write_only:
        parent: Any = shown
        for folder in folders:
            parent = parent.get(folder, {}) if isinstance(parent, dict) else {}
        if isinstance(parent, dict):
            parent.pop(last, None)
    return shown


def upload_session(work: Work) -> Answer:
    """No file is asked for, so the token is the one that completes the upload."""
    if work.names["script"] not in scripts(work):
        raise not_found(10007, "This Worker does not exist on your account.")
    manifest = work.call.document.get("manifest")
    if not isinstance(manifest, dict) or not manifest:
        raise bad_request(10021, "manifest: an object of at least one path with its hash and size")
    return ok({"jwt": secrets.token_urlsafe(30), "buckets": []})
