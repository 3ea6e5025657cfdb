"""One specification to change from, so that a test shows only what matters to it."""

from typing import Any


def role(name: str, **changes: Any) -> dict[str, Any]:
    plain = {
        "name": name,
        "password": f"{name}-Pass'word\"1",
        "reads": [],
        "writes": [],
        "creates": [],
        "connection_limit": 10,
        "is_monitor": False,
    }
    return plain | changes


def spec(
    *, postgres_port: int = 7402, pooler_port: int = 7403, objects_port: int = 7404, **postgres_changes: Any
) -> dict[str, Any]:
    """A whole specification as JSON data; keyword changes go into its `postgres` part."""
    both = ["regulated", "public"]
    postgres = {
        "major": 17,
        "port": postgres_port,
        "memory_mb": 1024,
        "cpus": 2,
        "database": "clinic",
        "extensions": ["postgis", "vector", "timescaledb", "pg_cron", "pg_stat_statements"],
        "schemas": [
            {"name": "regulated", "data_class": "regulated"},
            {"name": "public", "data_class": "public"},
        ],
        "roles": [
            role("app", reads=both, writes=both),
            role("public_read", reads=["public"]),
            role("migrator", reads=both, writes=both, creates=both),
            role("monitor", is_monitor=True),
        ],
    }
    return {
        "postgres": postgres | postgres_changes,
        "tls": {"hostnames": ["localhost"], "addresses": ["127.0.0.1"]},
        "pooler": {"port": pooler_port, "roles": ["app", "public_read"], "pool_size": 5},
        "backup": {
            "stanza": "main",
            "endpoint": f"localhost:{objects_port}",
            "bucket": "backups",
            "region": "ca-central-1",
            "uri_style": "path",
            "ca_file": "/etc/hybrid/ca/ca.crt",
            "key_id": "key-id",
            "key_secret": "key-secret-1",
            "cipher_passphrase": "passphrase-1",
            "retention_full": 2,
        },
    }
