"""What one host of the cloud is to become, as host/ reads it: it names its secrets and holds none."""

from components.backup.repository import stanza
from components.common.cloudflare_ranges import IPV4, IPV6
from components.common.regions import COPY_REGION, HOME_REGION
from components.host.policies import host_parameters, metrics_namespace
from components.host.postgres_database import BEHIND_HYPERDRIVE, EXTENSIONS, SCHEMAS, roles
from components.settings import compatibility, lightsail_bundles
from components.settings.host import HostSettings
from components.settings.stack import Settings
from components.storage.backup_buckets import backup_bucket, backup_copy_bucket, s3_endpoint
from host.specification import model
from host.specification.model import LOOPBACK, LoginMethod, Parameter, Spec

POSTGRES_PORT = 5432
POOLER_PORT = 6432
# Where Lightsail attaches the data disk.
DATA_DISK_PATH = "/dev/xvdf"

TUNNEL_TOKEN = "tunnel-token"
CIPHER_PASSPHRASE = "cipher-passphrase"
TLS_KEY = "tls-key"
TLS_CERTIFICATE = "tls-certificate"
TLS_AUTHORITIES = "tls-authorities"


def host_specification(stack: Settings, host: HostSettings) -> Spec:
    """The whole of it; a Parameter stands for a secret that the host fetches itself."""
    ipv4, ipv6 = database_networks(stack)
    return Spec(
        platform="lightsail",
        packages=model.Packages(
            source="vendor",
            timescaledb_edition=stack.timescaledb_edition,
            versions=compatibility.RELEASES[host.version].versions,
        ),
        disk=model.Disk(path=DATA_DISK_PATH, size_gb=host.disk_gb),
        network=model.Networks(
            ssh_networks=(*stack.admin_ipv4_networks, *stack.admin_ipv6_networks), database_networks=(*ipv4, *ipv6)
        ),
        postgres=_postgres(stack, host),
        tls=_tls(stack),
        pooler=model.Pooler(
            port=POOLER_PORT,
            roles=tuple(sorted(role.name for role in BEHIND_HYPERDRIVE)),
            pool_size=stack.hyperdrive_connections,
            takes_plain=stack.hyperdrive_fallback,
        ),
        # Two connectors of one tunnel would share the connections between the hosts.
        tunnel=model.Tunnel(token=_secret(stack, TUNNEL_TOKEN))
        if has_tunnel(stack) and host == stack.serving_host
        else None,
        backup=_backup(stack, host),
    )


def has_tunnel(stack: Settings) -> bool:
    """Whether a tunnel leads to PostgreSQL, whose port is closed then."""
    return stack.database_route == "tunnel"


def database_networks(stack: Settings) -> tuple[list[str], list[str]]:
    """Networks that reach PostgreSQL's port from outside, of IPv4 and of IPv6; nobody where there is a tunnel."""
    return ([], []) if has_tunnel(stack) else ([*IPV4], [*IPV6])


def hostnames(stack: Settings) -> list[str]:
    """Names in the server's certificate, which the pooler shows, too."""
    return [stack.database_hostname, *([stack.pooler_hostname] if has_tunnel(stack) else []), "localhost"]


def password(role: str) -> str:
    """Path of a role's password, below the host's parameters."""
    return f"passwords/{role}"


def _postgres(stack: Settings, host: HostSettings) -> model.Postgres:
    return model.Postgres(
        major=host.version,
        port=POSTGRES_PORT,
        memory_mb=lightsail_bundles.postgres_memory_mb(host.bundle),
        cpus=lightsail_bundles.cpus(host.bundle),
        database=stack.postgres_database,
        extensions=EXTENSIONS,
        schemas=tuple(
            model.Schema.model_validate({"name": name, "data_class": str(held)}) for name, held in SCHEMAS.items()
        ),
        origin=host.origin,
        restored_from=host.restored_from,
        is_serving=host == stack.serving_host,
        is_followed=host != stack.serving_host and stack.serving_host.origin == "backup",
        roles=tuple(
            role.model_copy(update={"password": _secret(stack, password(role.name))})
            if role.login_method is LoginMethod.PASSWORD
            else role
            for role in roles(stack.hyperdrive_connections)
        ),
    )


def _tls(stack: Settings) -> model.Tls:
    return model.Tls(
        hostnames=tuple(hostnames(stack)),
        addresses=(LOOPBACK,),
        authorities=_secret(stack, TLS_AUTHORITIES),
        certificate=_secret(stack, TLS_CERTIFICATE),
        key=_secret(stack, TLS_KEY),
    )


def _backup(stack: Settings, host: HostSettings) -> model.Backup:
    prefix = stack.labels.prefix
    return model.Backup(
        stanza=stanza(host.version),
        endpoint=s3_endpoint(HOME_REGION),
        bucket=backup_bucket(prefix, stack.aws_account_id),
        region=HOME_REGION,
        uri_style="host",
        ca_file=None,
        key_type="process",
        key_id=None,
        key_secret=None,
        cipher_passphrase=_secret(stack, CIPHER_PASSPHRASE),
        retention_full=stack.backup_retention_full,
        copy=model.Copy(
            endpoint=s3_endpoint(COPY_REGION),
            bucket=backup_copy_bucket(prefix, stack.aws_account_id),
            region=COPY_REGION,
        ),
        schedule=model.Schedule(
            full_day=stack.backup_full_day, verify_day=stack.backup_verify_day, time=stack.backup_time
        ),
        archive_timeout_seconds=stack.archive_timeout_seconds,
        archive_queue_max_mb=stack.archive_queue_max_mb,
        recovery_point_seconds=stack.recovery_point_seconds,
        recovery_time_seconds=stack.recovery_time_seconds,
        alarm_namespace=metrics_namespace(prefix),
        alarm_host=host.name,
    )


def _secret(stack: Settings, path: str) -> Parameter:
    return Parameter(f"{host_parameters(stack.labels.prefix)}/{path}")
