"""What the database host is given: the declared database, roles and backups, for this machine."""

from typing import Any

from local.buckets import declared_bucket
from local.errors import LocalError
from local.ports import Ports
from local.values import Password, realised
from plan.model import Plan, Resource

# What Debian 13 has all extensions for; see local/root_filesystem.py.
MAJOR = 17
# Small enough for a laptop that runs the whole stack, large enough for TimescaleDB's workers.
MEMORY_MB = 512
CPUS = 2
OBJECTS_CA = "/etc/hybrid/objects-ca.crt"
DATABASE = "hybrid:postgres:PostgresDatabase"
REPOSITORY = "hybrid:backup:BackupRepository"
HYPERDRIVE = "cloudflare:index/hyperdriveConfig:HyperdriveConfig"


def host_spec(plan: Plan, ports: Ports, password: Password) -> dict[str, Any]:
    """The specification that host/spec.py reads. Raises LocalError for what can't be had on one machine."""
    database = _only(plan, DATABASE)
    declared = database.inputs
    if declared["version"] != MAJOR:
        raise LocalError(f"postgresVersion {declared['version']}: the local host has PostgreSQL {MAJOR} only")
    passwords = realised(plan, database.outputs["passwords"], password)
    return {
        "postgres": {
            "major": MAJOR,
            "port": ports.postgres,
            "memory_mb": MEMORY_MB,
            "cpus": CPUS,
            "database": declared["database"],
            "extensions": declared["extensions"],
            "schemas": [{"name": schema["name"], "data_class": schema["dataClass"]} for schema in declared["schemas"]],
            "roles": [_role(role, passwords[role["name"]]) for role in declared["roles"]],
        },
        "tls": {"hostnames": ["localhost"], "addresses": ["127.0.0.1"]},
        "pooler": _pooler(plan, ports),
        "backup": _backup(plan, ports, password),
    }


def _role(declared: dict[str, Any], password: str) -> dict[str, Any]:
    return {
        "name": declared["name"],
        "password": password,
        "reads": declared["reads"],
        "writes": declared["writes"],
        "creates": declared["creates"],
        "connection_limit": declared["connectionLimit"],
        "is_monitor": declared["isMonitor"],
    }


def _pooler(plan: Plan, ports: Ports) -> dict[str, Any]:
    """The pooler stands for Hyperdrive: its roles, and as many connections as it may open."""
    configurations = plan.of_type(HYPERDRIVE)
    return {
        "port": ports.pooler,
        "roles": sorted({found.inputs["origin"]["user"] for found in configurations}),
        "pool_size": max(found.inputs["originConnectionLimit"] for found in configurations),
    }


def _backup(plan: Plan, ports: Ports, password: Password) -> dict[str, Any]:
    repository = _only(plan, REPOSITORY)
    return {
        "stanza": repository.inputs["stanza"],
        "endpoint": f"localhost:{ports.objects}",
        "bucket": repository.outputs["bucket"],
        "region": declared_bucket(plan, repository.outputs["bucket"]).region,
        "uri_style": "path",
        "ca_file": OBJECTS_CA,
        # The local S3 checks no signature.
        "key_id": "local",
        "key_secret": "local",
        "cipher_passphrase": realised(plan, repository.outputs["cipherPassphrase"], password),
        "retention_full": 2,
    }


def _only(plan: Plan, type_token: str) -> Resource:
    found = plan.of_type(type_token)
    if len(found) != 1:
        raise LocalError(
            f"{plan.stack}: declares {len(found)} resources of type {type_token}; the local stack needs one"
        )
    return found[0]
