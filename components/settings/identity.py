"""What does not hold between the settings of who signs in."""

from collections.abc import Iterator, Mapping
from typing import Any

AUTH0 = ("auth0Domain", "auth0Audience", "auth0ClientId", "auth0ClientSecret")


def faults(values: Mapping[str, Any]) -> Iterator[str]:
    """Looks at settings as they were given, checked or not, so that these faults come together with all others."""
    is_auth0 = values.get("identityProvider") == "auth0"
    for key in AUTH0:
        if is_auth0 and not values.get(key):
            yield f"{key}: is missing; identityProvider auth0 needs {', '.join(AUTH0)}"
        elif not is_auth0 and values.get(key):
            yield f"{key}: is of no use with identityProvider cognito; remove it, or set identityProvider to auth0"
