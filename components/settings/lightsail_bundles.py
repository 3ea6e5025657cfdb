"""Lightsail's Linux bundles with a public IPv4 address, and which are large enough.

Memory and cores from AWS's plan table of 2026-09-17. Whether Montreal sells a bundle is asked of the account
(`aws lightsail get-bundles`), not of this table.
"""

from dataclasses import dataclass

from components.common.labels import Environment


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A machine size."""

    memory_mb: int
    cpus: int


BUNDLES: dict[str, Bundle] = {
    "nano_3_0": Bundle(memory_mb=512, cpus=2),
    "micro_3_0": Bundle(memory_mb=1024, cpus=2),
    "small_3_0": Bundle(memory_mb=2048, cpus=2),
    "medium_3_0": Bundle(memory_mb=4096, cpus=2),
    "large_3_0": Bundle(memory_mb=8192, cpus=2),
    "xlarge_3_0": Bundle(memory_mb=16384, cpus=4),
    "2xlarge_3_0": Bundle(memory_mb=32768, cpus=8),
}

# Sizes of these names are for trying out, however much memory a later generation of them may have.
REFUSED_SIZES: dict[Environment, tuple[str, ...]] = {Environment.DEV: (), Environment.PROD: ("nano", "micro")}
# PostGIS, TimescaleDB and pgvector's index builds do not fit into less.
MINIMUM_MEMORY_MB: dict[Environment, int] = {Environment.DEV: 1024, Environment.PROD: 2048}
# For the system itself, Systems Manager's agent (at work with the playbook), cloudflared and PgBouncer.
SYSTEM_MEMORY_MB = 512


def fault(bundle: str, environment: Environment) -> str | None:
    """Says why a bundle can't be used, or None."""
    allowed = [name for name in BUNDLES if _size(name) not in REFUSED_SIZES[environment]]
    if _size(bundle) in REFUSED_SIZES[environment]:
        return f"is a size that {environment} refuses; allowed: {', '.join(allowed)}"
    if bundle not in BUNDLES:
        return f"is not a known bundle; allowed: {', '.join(allowed)}"
    minimum_mb = MINIMUM_MEMORY_MB[environment]
    if memory_mb(bundle) < minimum_mb:
        smallest = next(name for name, size in BUNDLES.items() if size.memory_mb >= minimum_mb)
        return (
            f"has {memory_mb(bundle)} MB of memory; {environment} needs at least {minimum_mb} MB for PostgreSQL "
            f"and its extensions: {smallest} or larger"
        )
    return None


def memory_mb(bundle: str) -> int:
    """Memory of a bundle of the table."""
    return BUNDLES[bundle].memory_mb


def postgres_memory_mb(bundle: str) -> int:
    """Memory that is left to PostgreSQL."""
    return memory_mb(bundle) - SYSTEM_MEMORY_MB


def cpus(bundle: str) -> int:
    """Virtual processors of a bundle of the table."""
    return BUNDLES[bundle].cpus


def _size(bundle: str) -> str:
    return bundle.partition("_")[0]
