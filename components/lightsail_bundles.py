"""Lightsail's Linux bundles with a public IPv4 address, and which are large enough.

Memory from AWS's plan table of 2026-09-17. Whether Montreal sells a bundle is asked of the account
(`aws lightsail get-bundles`), not of this table.
"""

from components.labels import Environment

MEMORY_GB: dict[str, float] = {
    "nano_3_0": 0.5,
    "micro_3_0": 1,
    "small_3_0": 2,
    "medium_3_0": 4,
    "large_3_0": 8,
    "xlarge_3_0": 16,
    "2xlarge_3_0": 32,
}

# PostGIS, TimescaleDB and pgvector's index builds do not fit into less.
MINIMUM_MEMORY_GB: dict[Environment, float] = {Environment.DEV: 1, Environment.PROD: 2}


def fault(bundle: str, environment: Environment) -> str | None:
    """Says why a bundle can't be used, or None."""
    memory_gb = MEMORY_GB.get(bundle)
    if memory_gb is None:
        return f"is not a known bundle; allowed: {', '.join(MEMORY_GB)}"
    minimum_gb = MINIMUM_MEMORY_GB[environment]
    if memory_gb < minimum_gb:
        smallest = next(name for name, size_gb in MEMORY_GB.items() if size_gb >= minimum_gb)
        return f"has {memory_gb} GB of memory; {environment} needs at least {minimum_gb} GB: {smallest} or larger"
    return None
