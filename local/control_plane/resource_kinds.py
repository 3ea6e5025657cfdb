"""The collections of resources that Pulumi's provider makes: where they are, and what the API adds to what it is given.

What is added is what the official SDK's models require.
"""

import secrets
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local.control_plane import made_tokens

Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Kind:
    path: str
    """Regular expression of the collection's path below /client/v4."""
    scope: str
    identity: Callable[[Fields], str] = lambda fields: uuid.uuid4().hex
    added: Callable[[Fields], Fields] = lambda fields: {}
    """To a new one."""
    taken: Callable[[Fields], Fields] = lambda fields: fields
    """As it is kept; raises ApiError for what is refused."""
    derived: Callable[[Fields, datetime], Fields] = lambda fields, now: {}
    """What is told of it at a moment, whatever is kept."""
    has_own_names: bool = True
    """No two may have the same."""
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
    """What is asked for has other names than what is told."""
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
        added=made_tokens.added,
        taken=made_tokens.taken,
        derived=made_tokens.status,
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
