"""What the database host is given: the declared specification of the host that serves, for this machine."""

import json
from dataclasses import dataclass
from typing import Any

from components.resource_types import tokens
from host.specification import model, parameters
from host.specification.model import Spec, written
from host.specification.reading import SpecError, declared, parse
from local.common.errors import LocalError
from local.common.ports import Ports
from local.common.values import Password, realised, setting
from local.processes.stack import Stack
from plan.model import Plan

# What Debian 13 has all extensions for; see local/host/root_filesystem.py.
MAJOR = 17
# Small enough for a laptop that runs the whole stack, large enough for TimescaleDB's workers.
MEMORY_MB = 512
CPUS = 2
OBJECTS_CA = "/etc/hybrid/objects-ca.crt"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What a host on this machine has in place of the cloud's."""

    ports: Ports
    password: Password
    tls: model.Tls
    """Certificates of this stack."""
    objects_port: int
    """Port of the S3 store that holds the backups."""
    is_restored: bool = False
    """Its database began in backups: another stack's, as a standby, or this one's own."""
    restored_from: str | None = None
    """The label of that backup, where it is not the newest."""
    is_serving: bool = True


def host_spec(plan: Plan, machine: Machine) -> Spec:
    """The specification that host/ reads, with its secrets. Raises LocalError for what one machine can't have."""
    spec = _declared(plan)
    if spec.postgres.major != MAJOR:
        raise LocalError(f"PostgreSQL {spec.postgres.major}: the local host has PostgreSQL {MAJOR} only")
    here = written(
        Spec(
            platform="local",
            packages=model.Packages(source="debian", timescaledb_edition="apache", versions={}),
            disk=None,
            network=model.Networks(ssh_networks=(), database_networks=()),
            postgres=model.Postgres(
                major=MAJOR,
                port=machine.ports.postgres,
                memory_mb=MEMORY_MB,
                cpus=CPUS,
                database=spec.postgres.database,
                extensions=spec.postgres.extensions,
                schemas=spec.postgres.schemas,
                origin="backup" if machine.is_restored else "new",
                restored_from=machine.restored_from,
                is_serving=machine.is_serving,
                roles=spec.postgres.roles,
            ),
            tls=machine.tls,
            pooler=model.Pooler(port=machine.ports.pooler, roles=spec.pooler.roles, pool_size=spec.pooler.pool_size),
            tunnel=None,
            backup=_backup(spec.backup, f"localhost:{machine.objects_port}"),
        )
    )
    values = {name: realised(plan, _parameter(plan, name), machine.password) for name in parameters.names(here)}
    try:
        return parse(parameters.filled(here, values))
    except SpecError as error:
        raise LocalError(str(error)) from error


def running(stack: Stack) -> Spec:
    """What the host of a running stack was given. Raises LocalError."""
    path = stack.state.host_file
    if not path.exists() or not stack.supervisor.is_running():
        raise LocalError("the local stack does not run; start it with `./hybrid local up`")
    try:
        return parse(stack.state.read_json(path, can_be_remade=True))
    except SpecError as error:
        fault = str(error).splitlines()[0]
        raise LocalError(f"{path}: is damaged ({fault}); `./hybrid local up` recreates it") from error


def _backup(declared: model.Backup, store: str) -> model.Backup:
    # One store holds the buckets of both regions.
    copied = declared.replica and model.Copy(
        endpoint=store, bucket=declared.replica.bucket, region=declared.replica.region
    )
    return model.Backup(
        stanza=declared.stanza,
        endpoint=store,
        bucket=declared.bucket,
        region=declared.region,
        uri_style="path",
        ca_file=OBJECTS_CA,
        key_type="shared",
        # The local S3 checks no signature. Not a word that pgBackRest says otherwise: secrets are cut from its words.
        key_id="local",
        key_secret="any-is-taken",
        cipher_passphrase=declared.cipher_passphrase,
        retention_full=declared.retention_full,
        copy=copied,
        schedule=declared.schedule,
        archive_timeout_seconds=declared.archive_timeout_seconds,
        archive_queue_max_mb=declared.archive_queue_max_mb,
        recovery_point_seconds=declared.recovery_point_seconds,
        recovery_time_seconds=declared.recovery_time_seconds,
        # There is no CloudWatch here.
        alarm_namespace=None,
        alarm_host=None,
    )


def authorities(plan: Plan) -> list[str]:
    """Generations of the database's own authority, of which the last one signs."""
    found: list[str] = json.loads(setting(plan, "databaseAuthorities"))
    return found


def _declared(plan: Plan) -> Spec:
    hosts = [declared(host.inputs["specification"]) for host in plan.of_type(tokens.POSTGRES_HOST)]
    serving = [found for found in hosts if found.postgres.is_serving]
    if len(serving) != 1:
        raise LocalError(f"{plan.stack}: declares {len(serving)} database hosts that serve; the local stack needs one")
    return serving[0]


def _parameter(plan: Plan, name: str) -> Any:
    found = [parameter for parameter in plan.of_type(tokens.PARAMETER) if parameter.inputs["name"] == name]
    if len(found) != 1:
        raise LocalError(f"{name}: {len(found)} parameters of this name are declared; the host needs one")
    return found[0].inputs["value"]
