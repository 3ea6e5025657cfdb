"""What the database host is given: the declared specification of the host that serves, for this machine."""

import copy
import json
from dataclasses import dataclass
from typing import Any

from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.values import Password, realised, setting
from plan.model import Plan

# What Debian 13 has all extensions for; see local/host/root_filesystem.py.
MAJOR = 17
# Small enough for a laptop that runs the whole stack, large enough for TimescaleDB's workers.
MEMORY_MB = 512
CPUS = 2
OBJECTS_CA = "/etc/hybrid/objects-ca.crt"
HOST = "hybrid:postgres:PostgresHost"
PARAMETER = "aws:ssm/parameter:Parameter"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a host on this machine has in place of the cloud's."""

    ports: Ports
    password: Password
    tls: dict[str, Any]
    """Its `tls` part: certificates of this stack."""
    objects_port: int
    """Of the S3 store that holds the backups."""
    is_restored: bool = False
    """Its database began in backups: another stack's, as a standby, or this one's own."""
    is_serving: bool = True


def host_spec(plan: Plan, machine: Machine) -> dict[str, Any]:
    """The specification that host/spec.py reads. Raises LocalError for what one machine can't have."""
    spec = _declared(plan)
    if spec["postgres"]["major"] != MAJOR:
        raise LocalError(f"PostgreSQL {spec['postgres']['major']}: the local host has PostgreSQL {MAJOR} only")
    spec |= {
        "platform": "local",
        "packages": {"source": "debian", "timescaledb_edition": "apache", "versions": {}},
        "disk": None,
        "network": {"ssh_networks": [], "database_networks": []},
        "tls": machine.tls,
        "tunnel": None,
    }
    spec["postgres"] |= {
        "port": machine.ports.postgres,
        "memory_mb": MEMORY_MB,
        "cpus": CPUS,
        "origin": "backup" if machine.is_restored else "new",
        "is_serving": machine.is_serving,
    }
    spec["pooler"]["port"] = machine.ports.pooler
    store = f"localhost:{machine.objects_port}"
    spec["backup"] |= {
        "endpoint": store,
        "uri_style": "path",
        "ca_file": OBJECTS_CA,
        "key_type": "shared",
        # The local S3 checks no signature. Not a word that pgBackRest says otherwise: secrets are cut from its words.
        "key_id": "local",
        "key_secret": "any-is-taken",
        # One store holds the buckets of both regions.
        "copy": {**copied, "endpoint": store} if (copied := spec["backup"]["copy"]) else None,
        # There is no CloudWatch here.
        "alarm_namespace": None,
        "alarm_host": None,
    }
    found: dict[str, Any] = _with_secrets(plan, spec, machine.password)
    return found


def authorities(plan: Plan) -> list[str]:
    """Generations of the database's own authority, of which the last one signs."""
    found: list[str] = json.loads(setting(plan, "databaseAuthorities"))
    return found


def _declared(plan: Plan) -> dict[str, Any]:
    hosts = [host.inputs["specification"] for host in plan.of_type(HOST)]
    serving = [found for found in hosts if found["postgres"]["is_serving"]]
    if len(serving) != 1:
        raise LocalError(f"{plan.stack}: declares {len(serving)} database hosts that serve; the local stack needs one")
    found: dict[str, Any] = copy.deepcopy(serving[0])
    return found


def _with_secrets(plan: Plan, value: Any, password: Password) -> Any:
    """Each `{"$parameter": NAME}` replaced by what the declared parameter holds here."""
    match value:
        case {"$parameter": str(name)}:
            return realised(plan, _parameter(plan, name), password)
        case dict():
            return {key: _with_secrets(plan, item, password) for key, item in value.items()}
        case list():
            return [_with_secrets(plan, item, password) for item in value]
        case _:
            return value


def _parameter(plan: Plan, name: str) -> Any:
    found = [parameter for parameter in plan.of_type(PARAMETER) if parameter.inputs["name"] == name]
    if len(found) != 1:
        raise LocalError(f"{name}: {len(found)} parameters of this name are declared; the host needs one")
    return found[0].inputs["value"]
