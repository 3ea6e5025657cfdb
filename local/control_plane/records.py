"""DNS records: list, get, change one, change many at once; names in full, content and TTL that Cloudflare accepts."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from local.control_plane.calls import Answer, Work, bad_request, new_id, not_found, ok, page, timestamp

PROXIABLE = ("A", "AAAA", "CNAME")
OTHER_TYPES = "CAA CERT DNSKEY DS HTTPS LOC MX NAPTR NS OPENPGPKEY PTR SMIMEA SRV SSHFP SVCB TLSA TXT URI"
TYPES = frozenset((*PROXIABLE, *OTHER_TYPES.split()))
HOST = re.compile(r"(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?")
AUTOMATIC = 1
WRITABLE = ("name", "type", "content", "data", "priority", "proxied", "ttl", "comment", "tags", "settings")


def made(work: Work, fields: dict[str, Any], identity: str, created: str) -> dict[str, Any]:
    """The record of these fields. Raises ApiError."""
    kind = str(fields.get("type", ""))
    if kind not in TYPES:
        raise bad_request(9004, f"DNS record type {kind!r} is invalid.")
    zone = next(zone for zone in work.settings.zones if zone.id == work.names["zone"])
    is_proxied = fields.get("proxied") or False
    if is_proxied and kind not in PROXIABLE:
        raise bad_request(9004, f"This record type cannot be proxied: {kind}.")
    record = {
        "id": identity,
        "zone_id": zone.id,
        "name": full_name(str(fields.get("name", "")), zone.name),
        "type": kind,
        "content": _content(kind, fields),
        "proxiable": kind in PROXIABLE,
        "proxied": bool(is_proxied),
        "ttl": AUTOMATIC if is_proxied else _ttl(fields.get("ttl")),
        "settings": fields.get("settings") or {},
        "meta": {},
        "comment": fields.get("comment"),
        "tags": fields.get("tags") or [],
        "created_on": created,
        "modified_on": timestamp(work.now),
    }
    return record | {key: fields[key] for key in ("data", "priority") if fields.get(key) is not None}


def full_name(name: str, zone: str) -> str:
    """Names may be given in full or relative to the zone; `@` is the zone itself."""
    low = name.lower().removesuffix(".")
    full = zone if low in ("@", "") else low if low == zone or low.endswith(f".{zone}") else f"{low}.{zone}"
    if not HOST.fullmatch(full.removeprefix("*.")):
        raise bad_request(9000, f"DNS name {name!r} is invalid.")
    return full


def _content(kind: str, fields: dict[str, Any]) -> str:
    content = fields.get("content")
    if content is None and isinstance(fields.get("data"), dict):
        return " ".join(str(value) for value in fields["data"].values())
    if not isinstance(content, str) or not content:
        raise bad_request(9009, f"Content for {kind} record is missing.")
    match kind:
        case "A" | "AAAA":
            return _address(kind, content)
        case "CNAME" | "NS" | "MX" | "PTR":
            host = content.lower().removesuffix(".")
            if not HOST.fullmatch(host):
                raise bad_request(9007, f"Content for {kind} record must be a valid host name.")
            return host
        case _:
            return content


def _address(kind: str, content: str) -> str:
    version = {"A": 4, "AAAA": 6}[kind]
    try:
        address = ipaddress.ip_address(content)
    except ValueError:
        address = None
    if address is None or address.version != version:
        raise bad_request(9005 if version == 4 else 9006, f"Content for {kind} record must be a valid IPv{version}.")
    return str(address)


def _ttl(given: Any) -> int:
    if given is None:
        return AUTOMATIC
    # Enterprise zones may go down to 30 s (Cloudflare, DNS TTL reference); this zone is on another plan.
    if isinstance(given, bool) or not isinstance(given, int | float) or not (given == 1 or 60 <= given <= 86400):
        raise bad_request(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    return int(given)


Record = dict[str, Any]
# On the Free plan (Cloudflare, Batch record changes).
BATCH_LIMIT = 200
ADDRESS_TYPES = {"A", "AAAA", "CNAME"}
PER_PAGE = 100
MATCHES: dict[str, Callable[[str, str], bool]] = {
    "": lambda value, wanted: value == wanted,
    ".exact": lambda value, wanted: value == wanted,
    ".contains": lambda value, wanted: wanted in value,
    ".startswith": lambda value, wanted: value.startswith(wanted),
    ".endswith": lambda value, wanted: value.endswith(wanted),
}


def listing(work: Work) -> Answer:
    query = {key: value.lower() for key, value in work.call.query.items()}
    tests = list(_tests(query))
    combine = any if query.get("match") == "any" and tests else all
    found = [record for record in _own(work) if combine(test(record) for test in tests)]
    order = query.get("order", "type")
    if order not in ("type", "name", "content", "ttl", "proxied"):
        raise bad_request(9009, f"order: {order!r} is not known; allowed: type, name, content, ttl, proxied")
    found.sort(
        key=lambda record: (record[order], record["name"], record["id"]), reverse=query.get("direction") == "desc"
    )
    return page([shown(record) for record in found], work.call.query, per_page=PER_PAGE)


def _tests(query: dict[str, str]) -> Any:
    for field in ("name", "content", "comment"):
        for suffix, test in MATCHES.items():
            wanted = query.get(f"{field}{suffix}")
            if wanted is not None:
                yield lambda record, field=field, test=test, wanted=wanted: test(
                    str(record[field] or "").lower(), wanted
                )
    if "type" in query:
        yield lambda record: record["type"].lower() == query["type"]
    if "proxied" in query:
        yield lambda record: record["proxied"] is (query["proxied"] == "true")
    if "search" in query:
        yield lambda record: any(query["search"] in str(record[field]).lower() for field in ("name", "content"))


def get(work: Work) -> Answer:
    return ok(shown(_found(work, work.names["id"])))


def create(work: Work) -> Answer:
    return ok(shown(_create(work, work.call.document)))


def replace(work: Work) -> Answer:
    return ok(shown(_replace(work, {**work.call.document, "id": work.names["id"]})))


def edit(work: Work) -> Answer:
    return ok(shown(_edit(work, {**work.call.document, "id": work.names["id"]})))


def delete(work: Work) -> Answer:
    return ok({"id": _delete(work, {"id": work.names["id"]})["id"]})


def batch(work: Work) -> Answer:
    """All or nothing: what is refused backs out the rest, because the draft is thrown away."""
    acts = {"deletes": _delete, "patches": _edit, "puts": _replace, "posts": _create}
    given = work.call.document
    rows = {key: given.get(key) or [] for key in acts}
    if not all(isinstance(row, list) and all(isinstance(item, dict) for item in row) for row in rows.values()):
        raise bad_request(9207, f"{', '.join(acts)}: each is a list of objects")
    count = sum(map(len, rows.values()))
    if not 0 < count <= BATCH_LIMIT:
        raise bad_request(9009, f"A batch has 1 to {BATCH_LIMIT} changes; this one has {count}.")
    result = {key: [shown(act(work, item)) for item in rows[key]] for key, act in acts.items()}
    return ok({key: done for key, done in result.items() if rows[key]})


def shown(record: Record) -> Record:
    return {key: value for key, value in record.items() if key != "zone_id"}


def _own(work: Work) -> list[Record]:
    return [record for record in work.data["records"].values() if record["zone_id"] == work.names["zone"]]


def _found(work: Work, identity: Any) -> Record:
    record: Record | None = work.data["records"].get(identity)
    if record is None or record["zone_id"] != work.names["zone"]:
        raise not_found(81044, "Record does not exist.")
    return record


def _create(work: Work, fields: Record) -> Record:
    return _stored(work, made(work, fields, new_id(), timestamp(work.now)))


def _replace(work: Work, fields: Record) -> Record:
    before = _found(work, fields.get("id"))
    return _stored(work, made(work, fields, before["id"], before["created_on"]))


def _edit(work: Work, fields: Record) -> Record:
    before = _found(work, fields.get("id"))
    merged = {key: before.get(key) for key in WRITABLE} | {key: fields[key] for key in WRITABLE if key in fields}
    return _stored(work, made(work, merged, before["id"], before["created_on"]))


def _delete(work: Work, fields: Record) -> Record:
    record = _found(work, fields.get("id"))
    del work.data["records"][record["id"]]
    return record


def _stored(work: Work, record: Record) -> Record:
    others = [other for other in _own(work) if other["id"] != record["id"] and other["name"] == record["name"]]
    if any((other["type"], other["content"]) == (record["type"], record["content"]) for other in others):
        raise bad_request(81058, "An identical record already exists.")
    kinds = {other["type"] for other in others}
    if "CNAME" in kinds or (record["type"] == "CNAME" and kinds & ADDRESS_TYPES):
        raise bad_request(81053, "An A, AAAA, or CNAME record with that host already exists.")
    work.data["records"][record["id"]] = record
    return record
