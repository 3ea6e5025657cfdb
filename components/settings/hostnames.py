"""What must hold between the host names of a stack: all are in one zone."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from components.settings.types import host_name

SETTINGS = ("siteHostname", "apiHostname", "databaseHostname", "poolerHostname")
PAGES = "pagesHostnames"


def faults(values: Mapping[str, Any]) -> Iterator[str]:
    """Looks at settings as they were given, as host.faults(); without it each record and route would be at fault."""
    pages = values.get(PAGES)
    names = {key: values.get(key) for key in SETTINGS}
    names |= {f"{PAGES}.{index}": name for index, name in enumerate(pages if isinstance(pages, list) else ())}
    # Of most registered domains; where it is less, as below co.uk, the gate's rules tell two apart.
    domains = {
        key: ".".join(name.split(".")[-2:])
        for key, name in names.items()
        if isinstance(name, str) and _is_host_name(name)
    }
    if len(set(domains.values())) > 1:
        usual = Counter(domains.values()).most_common(1)[0][0]
        others = next(key for key, domain in domains.items() if domain == usual)
        for key, domain in domains.items():
            if domain != usual:
                yield f"{key}: is not in the zone of {others}; allowed: host names of one zone (cloudflareZoneId)"


def _is_host_name(text: str) -> bool:
    try:
        return bool(host_name(text))
    except ValueError:
        return False
