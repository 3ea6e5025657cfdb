"""Every type of resource that may be declared, by its full token, and where it keeps data."""

from policies.residency.aws_places import AWS
from policies.residency.cloudflare_places import CLOUDFLARE
from policies.residency.other_places import OTHERS
from policies.residency.place import Place

PLACES: dict[str, Place] = {**AWS, **CLOUDFLARE, **OTHERS}


def line(type_token: str) -> str:
    """What to add, and to which file, once somebody has found out where the type keeps data."""
    package = type_token.split(":", 1)[0]
    file = package if package in ("aws", "cloudflare") else "other"
    call = {"aws": "regional", "cloudflare": "edge", "hybrid": "component"}.get(package, "local")
    return f'"{type_token}": {call}("WHAT IT HOLDS AND WHERE."), to policies/residency/{file}_places.py'
