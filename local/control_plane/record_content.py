"""A DNS record as Cloudflare takes it: names in full, content and TTL that it would accept."""

import ipaddress
import re
from typing import Any

from local.control_plane.calls import Work, timestamp
from local.control_plane.envelope import bad_request

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
    # Enterprise zones may go down to 30 s (Cloudflare, DNS TTL reference); this zone is none.
    if isinstance(given, bool) or not isinstance(given, int | float) or not (given == 1 or 60 <= given <= 86400):
        raise bad_request(9021, "Invalid TTL. Must be between 60 and 86400 seconds, or 1 for Automatic.")
    return int(given)
