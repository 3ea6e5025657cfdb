"""One specification to change from, so that a test shows only what matters to it."""

from typing import Any

from tests.host.authority import tls

BOTH = ["regulated", "public"]
EXTENSIONS = ["postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements", "pg_buffercache"]


def role(name: str, **changes: Any) -> dict[str, Any]:
    """A role that logs in with a password, unless its login method is another."""
    plain: dict[str, Any] = {
        "name": name,
        "password": f"{name}-Pass'word\"1" if changes.get("way_in", "password") == "password" else None,
        "way_in": "password",
        "reads": [],
        "writes": [],
        "creates": [],
        "connection_limit": 10,
        "is_monitor": False,
        "is_backup": False,
        "acts_as": None,
    }
    return plain | changes


def roles() -> list[dict[str, Any]]:
    return [
        role("owner", way_in="none", creates=BOTH),
        role("app", reads=BOTH, writes=BOTH),
        role("read_only", reads=BOTH),
        role("public_read", reads=["public"]),
        role("migrator", acts_as="owner"),
        role("monitor", is_monitor=True),
        role("backup", way_in="socket", is_backup=True),
    ]


def spec(
    *, postgres_port: int = 7402, pooler_port: int = 7403, objects_port: int = 7404, **postgres_changes: Any
) -> dict[str, Any]:
    """A whole specification as JSON data; keyword changes go into its `postgres` part."""
    postgres = {
        "major": 17,
        "port": postgres_port,
        "memory_mb": 1024,
        "cpus": 2,
        "database": "clinic",
        "extensions": EXTENSIONS,
        "schemas": [
            {"name": "regulated", "data_class": "regulated"},
            {"name": "public", "data_class": "public"},
        ],
        "origin": "new",
        "is_serving": True,
        "roles": roles(),
    }
    return {
        "platform": "local",
        "packages": {"source": "debian", "timescaledb_edition": "apache", "versions": {}},
        "disk": None,
        "network": {"ssh_networks": [], "database_networks": []},
        "postgres": postgres | postgres_changes,
        "tls": tls(),
        "pooler": {"port": pooler_port, "roles": ["app", "public_read"], "pool_size": 5},
        "tunnel": None,
        "backup": _backup(objects_port),
    }


def _backup(objects_port: int) -> dict[str, Any]:
    return {
        "stanza": "main-17",
        "endpoint": f"localhost:{objects_port}",
        "bucket": "backups",
        "region": "ca-central-1",
        "uri_style": "path",
        "ca_file": "/etc/hybrid/tls/authorities.crt",
        "key_type": "shared",
        "key_id": "key-id",
        "key_secret": "key-secret-1",
        "cipher_passphrase": "passphrase-1",
        "retention_full": 2,
        "copy": None,
        "schedule": {"full_day": "sunday", "verify_day": "wednesday", "time": "07:15"},
        "archive_timeout_seconds": 60,
        "archive_queue_max_mb": 1024,
        "recovery_point_seconds": 120,
        "recovery_time_seconds": 1800,
        "alarm_namespace": None,
    }
