"""What a machine under test is declared to become."""

from typing import Any

from tests.host.bare_machine import DISK, STORE_CA, STORE_PORT
from tests.host.specs import spec


def declared(**changes: Any) -> dict[str, Any]:
    """A specification as in the cloud, but for Debian's own packages; keyword changes replace whole parts."""
    cloud: dict[str, Any] = {
        "platform": "lightsail",
        "disk": {"path": DISK, "size_gb": 8},
        "network": {"ssh_networks": ["192.0.2.0/24"], "database_networks": []},
    }
    value = spec() | cloud | changes
    value["backup"] |= {"endpoint": f"localhost:{STORE_PORT}", "ca_file": STORE_CA}
    return value


def with_process_credentials() -> dict[str, Any]:
    """Process credentials as in the cloud; Debian's pgBackRest is too old to use them."""
    value = declared()
    value["backup"] |= {"key_type": "process", "key_id": None, "key_secret": None}
    return value
