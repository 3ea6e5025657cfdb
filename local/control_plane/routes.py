"""Workers routes: a pattern, and the script that answers it; without one it takes its paths from other patterns."""

import re
from http import HTTPStatus
from typing import Any

from local.control_plane.calls import Answer, ApiError, Work, bad_request, new_id, not_found, ok

PATTERN = re.compile(r"(https?://)?(\*\.?)?[a-z0-9.-]+(/[^*?\s]*\*?)?", re.IGNORECASE)


def listing(work: Work) -> Answer:
    return ok([_shown(route) for route in work.data["routes"].values() if route["zone_id"] == work.names["zone"]])


def get(work: Work) -> Answer:
    return ok(_shown(_found(work)))


def create(work: Work) -> Answer:
    return ok(_shown(_stored(work, new_id())))


def replace(work: Work) -> Answer:
    """One in-place change; `"script": null` blanks the route."""
    return ok(_shown(_stored(work, _found(work)["id"])))


def delete(work: Work) -> Answer:
    identity = _found(work)["id"]
    del work.data["routes"][identity]
    return ok({"id": identity})


def _found(work: Work) -> dict[str, Any]:
    route: dict[str, Any] | None = work.data["routes"].get(work.names["id"])
    if route is None or route["zone_id"] != work.names["zone"]:
        raise not_found(10008, "This route does not exist on your zone.")
    return route


def _stored(work: Work, identity: str) -> dict[str, Any]:
    fields = work.call.document
    pattern, script = fields.get("pattern"), fields.get("script") or None
    zone = next(zone.name for zone in work.settings.zones if zone.id == work.names["zone"])
    host = str(pattern).partition("://")[2] or str(pattern)
    name = host.partition("/")[0].lower().lstrip("*.")
    is_own = name == zone or name.endswith(f".{zone}")
    if not isinstance(pattern, str) or not PATTERN.fullmatch(pattern) or not is_own:
        raise bad_request(10022, f"Invalid route pattern {pattern!r}; it must be of a host in {zone}.")
    routes = work.data["routes"].values()
    if any(other["pattern"] == pattern and other["id"] != identity for other in routes):
        raise ApiError(HTTPStatus.CONFLICT, 10020, "A route with the same pattern already exists.")
    if script is not None and script not in scripts(work):
        raise bad_request(
            10019, "Cannot configure a route for a Worker which does not exist. Please ensure this Worker exists."
        )
    route = {"id": identity, "zone_id": work.names["zone"], "pattern": pattern, "script": script}
    work.data["routes"][identity] = route
    return route


def scripts(work: Work) -> set[str]:
    """Names of the Workers that exist."""
    path = f"/accounts/{work.settings.account.id}/workers/workers"
    made = work.data["resources"].get(path, {}).values()
    return {*work.settings.scripts, *(worker["name"] for worker in made)}


def _shown(route: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in route.items() if key != "zone_id"}
