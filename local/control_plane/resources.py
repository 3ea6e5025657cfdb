"""Resources that the control plane only keeps: made, read, listed, changed and removed, and nothing comes of them."""

import copy
from datetime import datetime
from http import HTTPStatus
from typing import Any

from local.control_plane.calls import Handler, Work, timestamp
from local.control_plane.envelope import Answer, ApiError, bad_request, no_object, ok, page
from local.control_plane.resource_kinds import Fields, Kind

JURISDICTION = "cf-r2-jurisdiction"


def handlers(kind: Kind) -> dict[tuple[str, bool], Handler]:
    """By method, and whether the path names one of the collection."""
    return {
        ("GET", False): lambda work: _listing(kind, work),
        ("POST", False): lambda work: _create(kind, work),
        ("GET", True): lambda work: ok(_shown(kind, _found(work), work.now)),
        ("PUT", True): lambda work: _change(kind, work, keeps=False),
        ("PATCH", True): lambda work: _change(kind, work, keeps=True),
        ("DELETE", True): _delete,
    }


def put_document(work: Work) -> Answer:
    work.data["documents"][work.call.path] = work.call.document
    return get_document(work)


def get_document(work: Work) -> Answer:
    found = work.data["documents"].get(work.call.path)
    if found is None:
        raise no_object(work.call.path)
    names: Fields = {"account_id": work.names["account"]}
    if work.call.path.endswith("/configurations"):
        names |= {"tunnel_id": work.call.path.split("/")[-2], "version": 1, "source": "cloudflare"}
    return ok({**found, **names})


def delete_document(work: Work) -> Answer:
    work.data["documents"].pop(work.call.path, None)
    return ok({})


def _listing(kind: Kind, work: Work) -> Answer:
    rows = [_shown(kind, row, work.now) for row in work.data["resources"].get(work.call.path, {}).values()]
    name = work.call.query.get("name")
    rows = [row for row in rows if name in (None, row.get("name"))]
    if kind.listed_as:
        # The newest deployment is the one in service, and comes first.
        return ok({kind.listed_as: rows[::-1]})
    return page(rows, work.call.query)


def _create(kind: Kind, work: Work) -> Answer:
    given = work.call.document
    identity = kind.identity(given)
    rows = work.data["resources"].setdefault(work.call.path, {})
    if not identity:
        raise bad_request(10001, "name: is missing")
    names = {row["name"] for row in rows.values() if "name" in row and kind.has_own_names}
    if identity in rows or given.get("name") in names:
        raise ApiError(HTTPStatus.CONFLICT, 10004, f"{given.get('name')}: one of that name already exists.")
    made = kind.taken(_merged({"id": identity, **kind.added(given)}, given))
    if work.call.path.endswith("/versions"):
        made["number"] = len(rows) + 1
    if "jurisdiction" in made and JURISDICTION in work.call.headers:
        made["jurisdiction"] = work.call.headers[JURISDICTION]
    made[kind.created_on] = timestamp(work.now)
    if kind.modified_on:
        made[kind.modified_on] = timestamp(work.now)
    rows[identity] = {key: value for key, value in made.items() if key not in kind.shown_once}
    return ok(_shown(kind, made, work.now))


def _change(kind: Kind, work: Work, *, keeps: bool) -> Answer:
    """PATCH keeps what it does not name; PUT keeps what the API itself has added."""
    before = _found(work)
    given = {key: value for key, value in work.call.document.items() if key not in kind.shown_once}
    own = {"id", kind.created_on, "client_id", "number", *kind.added(before)} - set(kind.shown_once)
    base = before if keeps else {key: value for key, value in before.items() if key in own}
    after = kind.taken(_merged(base, given)) | {"id": before["id"]}
    if kind.modified_on:
        after[kind.modified_on] = timestamp(work.now)
    rows = work.data["resources"][work.call.path.rpartition("/")[0]]
    rows[_key(work)] = after
    return ok(_shown(kind, after, work.now))


def _delete(work: Work) -> Answer:
    row = _found(work)
    del work.data["resources"][work.call.path.rpartition("/")[0]][_key(work)]
    for documents in (work.data["documents"], work.data["resources"]):
        for path in [path for path in documents if path.startswith(f"{work.call.path}/")]:
            del documents[path]
    return ok({"id": row["id"]})


def _key(work: Work) -> str:
    """By id, or by name where the path has that (Workers may be named)."""
    collection, _, last = work.call.path.rpartition("/")
    rows = work.data["resources"].get(collection, {})
    key = last if last in rows else next((key for key, row in rows.items() if row.get("name") == last), None)
    if key is None:
        raise no_object(work.call.path)
    return key


def _found(work: Work) -> Fields:
    found: Fields = work.data["resources"].get(work.call.path.rpartition("/")[0], {}).get(_key(work))
    return found


def _merged(base: Fields, given: Fields) -> Fields:
    """Objects are merged, all else replaced."""
    merged = copy.deepcopy(base)
    for key, value in given.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return merged


def _shown(kind: Kind, row: Fields, now: datetime) -> Fields:
    shown = {**copy.deepcopy(row), **kind.derived(row, now)}
    for *folders, last in kind.write_only:
        place: Any = shown
        for folder in folders:
            place = place.get(folder, {}) if isinstance(place, dict) else {}
        if isinstance(place, dict):
            place.pop(last, None)
    return shown
