"""What one host of the cloud is to become, as host/ reads it: plain data that names its secrets and holds none."""

from typing import Any

from components.backup.repository import stanza
from components.common.cloudflare_ranges import IPV4, IPV6
from components.common.regions import COPY_REGION, HOME_REGION
from components.host.policies import host_parameters, metrics_namespace
from components.host.postgres_database import BEHIND_HYPERDRIVE, EXTENSIONS, SCHEMAS, Role, WayIn, roles
from components.settings import compatibility, lightsail_bundles
from components.settings.host import HostSettings
from components.settings.stack import Settings
from components.storage.backup_buckets import backup_bucket, backup_copy_bucket, s3_endpoint

POSTGRES_PORT = 5432
POOLER_PORT = 6432
# Where Lightsail attaches the data disk.
DATA_DISK_PATH = "/dev/xvdf"
LOOPBACK = "127.0.0.1"

TUNNEL_TOKEN = "tunnel-token"
CIPHER_PASSPHRASE = "cipher-passphrase"
TLS_KEY = "tls-key"
TLS_CERTIFICATE = "tls-certificate"
TLS_AUTHORITIES = "tls-authorities"


def host_specification(stack: Settings, host: HostSettings) -> dict[str, Any]:
    """The whole of it; `{"$parameter": NAME}` stands for a secret that the host fetches itself."""
    ipv4, ipv6 = database_networks(stack)
    return {
        "platform": "lightsail",
        "packages": {
            "source": "vendor",
            "timescaledb_edition": stack.timescaledb_edition,
            "versions": compatibility.RELEASES[host.version].versions,
        },
        "disk": {"path": DATA_DISK_PATH, "size_gb": host.disk_gb},
        "network": {
            "ssh_networks": [*stack.admin_ipv4_networks, *stack.admin_ipv6_networks],
            "database_networks": [*ipv4, *ipv6],
        },
        "postgres": _postgres(stack, host),
        "tls": _tls(stack),
        "pooler": {
            "port": POOLER_PORT,
            "roles": sorted(role.name for role in BEHIND_HYPERDRIVE),
            "pool_size": stack.hyperdrive_connections,
        },
        # Two connectors of one tunnel would share the connections between the hosts.
        "tunnel": {"token": _secret(stack.labels.prefix, TUNNEL_TOKEN)}
        if has_tunnel(stack) and host == stack.serving_host
        else None,
        "backup": _backup(stack, host),
    }


def has_tunnel(stack: Settings) -> bool:
    """Whether the way in is a tunnel, and PostgreSQL's port closed."""
    return stack.database_way == "tunnel"


def database_networks(stack: Settings) -> tuple[list[str], list[str]]:
    """Networks that reach PostgreSQL's port from outside, of IPv4 and of IPv6; nobody where there is a tunnel."""
    return ([], []) if has_tunnel(stack) else ([*IPV4], [*IPV6])


def hostnames(stack: Settings) -> list[str]:
    """Names in the server's certificate, which the pooler shows, too."""
    return [stack.database_hostname, *([stack.pooler_hostname] if has_tunnel(stack) else []), "localhost"]


def password(role: str) -> str:
    """Path of a role's password, below the host's parameters."""
    return f"passwords/{role}"


def _postgres(stack: Settings, host: HostSettings) -> dict[str, Any]:
    return {
        "major": host.version,
        "port": POSTGRES_PORT,
        "memory_mb": lightsail_bundles.postgres_memory_mb(host.bundle),
        "cpus": lightsail_bundles.cpus(host.bundle),
        "database": stack.postgres_database,
        "extensions": list(EXTENSIONS),
        "schemas": [{"name": name, "data_class": str(held)} for name, held in SCHEMAS.items()],
        "origin": host.origin,
        "is_serving": host == stack.serving_host,
        "roles": [_role(stack.labels.prefix, role) for role in roles(stack.hyperdrive_connections)],
    }


def _tls(stack: Settings) -> dict[str, Any]:
    prefix = stack.labels.prefix
    return {
        "hostnames": hostnames(stack),
        "addresses": [LOOPBACK],
        "authorities": _secret(prefix, TLS_AUTHORITIES),
        "certificate": _secret(prefix, TLS_CERTIFICATE),
        "key": _secret(prefix, TLS_KEY),
    }


def _backup(stack: Settings, host: HostSettings) -> dict[str, Any]:
    prefix = stack.labels.prefix
    return {
        "stanza": stanza(host.version),
        "endpoint": s3_endpoint(HOME_REGION),
        "bucket": backup_bucket(prefix, stack.aws_account_id),
        "region": HOME_REGION,
        "uri_style": "host",
        "ca_file": None,
        "key_type": "process",
        "key_id": None,
        "key_secret": None,
        "cipher_passphrase": _secret(prefix, CIPHER_PASSPHRASE),
        "retention_full": stack.backup_retention_full,
        "copy": {
            "endpoint": s3_endpoint(COPY_REGION),
            "bucket": backup_copy_bucket(prefix, stack.aws_account_id),
            "region": COPY_REGION,
        },
        "schedule": {
            "full_day": stack.backup_full_day,
            "verify_day": stack.backup_verify_day,
            "time": stack.backup_time,
        },
        "archive_timeout_seconds": stack.archive_timeout_seconds,
        "archive_queue_max_mb": stack.archive_queue_max_mb,
        "recovery_point_seconds": stack.recovery_point_seconds,
        "recovery_time_seconds": stack.recovery_time_seconds,
        "alarm_namespace": metrics_namespace(prefix),
        "alarm_host": host.name,
    }


def _role(prefix: str, role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "password": _secret(prefix, password(role.name)) if role.way_in is WayIn.PASSWORD else None,
        "way_in": str(role.way_in),
        "reads": list(role.reads),
        "writes": list(role.writes),
        "creates": list(role.creates),
        "connection_limit": role.connection_limit,
        "is_monitor": role.is_monitor,
        "is_backup": role.is_backup,
        "acts_as": role.acts_as,
    }


def _secret(prefix: str, path: str) -> dict[str, str]:
    return {"$parameter": f"{host_parameters(prefix)}/{path}"}
