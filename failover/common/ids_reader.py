"""From JSON to the ids, with every fault at once."""

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from failover.common import ids as shape
from failover.common.ids import FORMAT, MAKE, ChallengeRoute, Host, Ids, Kind, Probes, Record, Route

HOSTNAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
PATH = re.compile(r"/[!-~]*")
ALLOWED = {
    HOSTNAME: "a host name in small letters",
    IDENTIFIER: "letters, digits, - and _, 64 at most",
    DATE: "a day, as YYYY-MM-DD",
    PATH: "a path that begins with / and has no spaces",
}


@dataclass
class _Reader:
    """Takes values out of the document and notes what is wrong with them."""

    faults: list[str] = field(default_factory=list)

    def object(self, value: Any, where: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.faults.append(f"{where}: is missing or not an object")
        return {}

    def objects(self, value: Any, where: str) -> list[dict[str, Any]]:
        if isinstance(value, list):
            return [self.object(one, f"{where}[{at}]") for at, one in enumerate(value)]
        self.faults.append(f"{where}: is missing or not a list")
        return []

    def text(self, source: dict[str, Any], key: str, where: str, form: re.Pattern[str] | None = None) -> str:
        value = source.get(key)
        name = f"{where}.{key}".lstrip(".")
        if not isinstance(value, str) or not value:
            self.faults.append(f"{name}: is missing or not a text")
        elif form and not form.fullmatch(value):
            self.faults.append(f"{name}: {value[:80]!r} can't be; allowed: {ALLOWED[form]}")
        else:
            return value
        return ""

    def day(self, source: dict[str, Any], key: str) -> str | None:
        if source.get(key) is None:
            return None
        found = self.text(source, key, "", DATE)
        try:
            return found and date.fromisoformat(found).isoformat()
        except ValueError:
            self.faults.append(f"{key}: {found!r} is not in the calendar; allowed: {ALLOWED[DATE]}")
            return None

    def address(self, source: dict[str, Any], key: str) -> tuple[str, int] | None:
        value = source.get(key)
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and type(value[1]) is int:
            return value[0], value[1]
        self.faults.append(f"probes.{key}: is not [ADDRESS, PORT]")
        return None


def ids_of(document: Any) -> tuple[Ids | None, list[str]]:
    """The ids and no faults, or None and the faults."""
    reader = _Reader()
    if not isinstance(document, dict):
        return None, ["is not a JSON object"]
    top = document
    if top.get("format") != FORMAT:
        return None, [f"has format {top.get('format')!r}, this version reads {FORMAT}; {MAKE}"]
    zone = reader.object(top.get("zone"), "zone")
    hosts = [_host(reader, one, f"hosts[{at}]") for at, one in enumerate(reader.objects(top.get("hosts"), "hosts"))]
    if isinstance(top.get("hosts"), list) and not hosts:
        reader.faults.append("hosts: is empty")
    ids = Ids(
        stack=reader.text(top, "stack", ""),
        api=_api(reader, top),
        account=reader.text(top, "account", "", IDENTIFIER),
        zone_id=reader.text(zone, "id", "zone", IDENTIFIER),
        zone_name=reader.text(zone, "name", "zone", HOSTNAME),
        hosts=tuple(hosts),
        probes=_probes(reader, top.get("probes") or {}),
        keep_until=reader.day(top, "keep_until"),
        resolved_at=reader.text(top, "resolved_at", ""),
    )
    return (None, reader.faults) if reader.faults else (ids, [])


def _api(reader: _Reader, top: dict[str, Any]) -> str:
    """https, or loopback: elsewhere the token would travel in the clear."""
    text = reader.text(top, "api", "")
    parts = urlsplit(text)
    is_local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
    if text and not (parts.scheme == "https" and parts.hostname) and not is_local:
        reader.faults.append(f"api: {text!r} is neither https nor on loopback")
    return text.rstrip("/")


def _host(reader: _Reader, one: dict[str, Any], where: str) -> Host:
    kind = one.get("kind")
    if kind not in tuple(Kind):
        reader.faults.append(f"{where}.kind: is not one of {', '.join(Kind)}")
        kind = Kind.PAGES
    route = None
    if kind == Kind.WORKER:
        found = reader.object(one.get("route"), f"{where}.route")
        route = Route(
            id=reader.text(found, "id", f"{where}.route", IDENTIFIER),
            pattern=reader.text(found, "pattern", f"{where}.route"),
            script=reader.text(found, "script", f"{where}.route"),
        )
    standby = reader.object(one.get("standby"), f"{where}.standby")
    return Host(
        hostname=reader.text(one, "hostname", where, HOSTNAME),
        kind=Kind(kind),
        record=_record(reader, reader.object(one.get("record"), f"{where}.record"), f"{where}.record"),
        standby=reader.text(standby, "hostname", f"{where}.standby", HOSTNAME),
        route=route,
        challenge_routes=tuple(
            ChallengeRoute(id=reader.text(found, "id", where, IDENTIFIER), pattern=reader.text(found, "pattern", where))
            for found in reader.objects(one.get("challenge_routes") or [], f"{where}.challenge_routes")
        ),
        path=reader.text(one, "path", where, PATH) if "path" in one else "/",
    )


def _record(reader: _Reader, one: dict[str, Any], where: str) -> Record:
    proxied, ttl = one.get("proxied", True), one.get("ttl", shape.AUTOMATIC_TTL)
    if not isinstance(proxied, bool) or type(ttl) is not int:
        reader.faults.append(f"{where}: proxied is a truth value and ttl a whole number")
        proxied, ttl = True, shape.AUTOMATIC_TTL
    return Record(
        id=reader.text(one, "id", where, IDENTIFIER),
        type=reader.text(one, "type", where),
        name=reader.text(one, "name", where, HOSTNAME),
        content=reader.text(one, "content", where),
        proxied=proxied,
        ttl=ttl,
    )


def _probes(reader: _Reader, value: Any) -> Probes:
    source = reader.object(value, "probes")
    scheme = source.get("scheme", "https")
    if scheme not in ("http", "https"):
        reader.faults.append("probes.scheme: is not http or https")
    resolvers = source.get("resolvers", [])
    if not isinstance(resolvers, list) or not all(isinstance(one, str) and one for one in resolvers):
        reader.faults.append("probes.resolvers: is not a list of addresses")
        resolvers = []
    return Probes(
        scheme=str(scheme),
        edge=reader.address(source, "edge"),
        standby=reader.address(source, "standby"),
        standby_tls=reader.address(source, "standby_tls"),
        ca=reader.text(source, "ca", "probes") if "ca" in source else None,
        resolvers=tuple(resolvers),
    )
