"""Plan C: the zone for a provider that is not Cloudflare, in BIND format or as a Route 53 change batch."""

import ipaddress
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dns.exception
import dns.rdata
import dns.rdataclass

from failover.cloudflare.api import RECORD_PREFIX, Api, RecordNow
from failover.common.ids import Ids
from failover.common.terms import Kind

# Automatic is 300 s at Cloudflare. Elsewhere it is chosen for a zone that may have to move again.
AUTOMATIC_SECONDS = 300
# Vercel's address for a zone's own name, where no CNAME may be (vercel.com/docs, set up a custom domain).
VERCEL_APEX = "76.76.21.21"
# Of Route 53: a TXT string's length (RFC 1035), and the most changes in one batch.
STRING = 255
BATCH = 1000
ROUTE53_TYPES = {
    "A",
    "AAAA",
    "CAA",
    "CNAME",
    "DS",
    "HTTPS",
    "MX",
    "NAPTR",
    "NS",
    "PTR",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
}
ONLY_AT_CLOUDFLARE = (".cfargotunnel.com", ".pages.dev", ".workers.dev", ".r2.dev")


@dataclass(kw_only=True)
class Zone:
    """The records as another provider would serve them, with every failover host on the stand-by."""

    name: str
    rows: list[tuple[str, int, str, str]] = field(default_factory=list)
    """Name, TTL in seconds, type, value in zone-file form."""
    warnings: list[str] = field(default_factory=list)


def zone(ids: Ids, api: Api) -> Zone:
    """One listing of the API."""
    found = Zone(name=ids.zone_name)
    standby = {host.hostname: host.standby for host in ids.hosts if host.kind is Kind.PAGES}
    for record in sorted(api.records(time.monotonic() + 60), key=lambda one: (one.name, one.type, one.target.content)):
        if record.name.startswith(RECORD_PREFIX) or (record.type == "NS" and record.name == ids.zone_name):
            continue
        _add(found, record, standby.get(record.name, record.target.content))
    return found


def _add(found: Zone, record: RecordNow, content: str) -> None:
    kind = record.type
    if content.rstrip(".").endswith(ONLY_AT_CLOUDFLARE):
        found.warnings.append(f"{record.name}: {content} works behind Cloudflare only; left out")
        return
    if kind == "CNAME" and record.name == found.name:
        if "vercel-dns" not in content:
            found.warnings.append(f"{record.name}: no CNAME may be at the zone's own name; left out")
            return
        kind, content = "A", VERCEL_APEX
    if record.target.proxied and kind in ("A", "AAAA") and not _is_public(content):
        found.warnings.append(
            f"{record.name}: {content} leads nowhere, it only stood for what Cloudflare answers (a Worker, a rule), "
            "which is not there without it; left out"
        )
        return
    if record.target.proxied and kind in ("A", "AAAA") and content != VERCEL_APEX:
        found.warnings.append(f"{record.name}: {content} was behind Cloudflare and is open to all with this")
    value = _value(kind, content, record.priority)
    try:
        dns.rdata.from_text(dns.rdataclass.IN, kind, value)
    except (dns.exception.DNSException, ValueError) as error:
        found.warnings.append(f"{record.name} {kind}: {error}; left out")
        return
    ttl = record.target.ttl if record.target.ttl > 1 else AUTOMATIC_SECONDS
    found.rows.append((record.name, ttl, kind, value))


def _is_public(address: str) -> bool:
    """Whether an address is reachable: not `100::` or `192.0.2.1`, the placeholders of records without an origin."""
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return True  # what it is instead is told where the record is read


def _value(kind: str, content: str, priority: int | None) -> str:
    match kind:
        case "CNAME" | "NS" | "PTR":
            return _absolute(content)
        case "MX":
            return f"{priority or 0} {_absolute(content)}"
        case "SRV":
            weight, port, target = [*content.split(), "", "", ""][:3]
            return f"{priority or 0} {weight} {port} {_absolute(target)}"
        case "TXT":
            return content if content.startswith('"') else _quoted(content)
        case _:
            return content


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _quoted(text: str) -> str:
    parts = [text[at : at + STRING] for at in range(0, max(1, len(text)), STRING)]
    escaped = [part.replace("\\", "\\\\").replace('"', '\\"') for part in parts]
    return " ".join(f'"{part}"' for part in escaped)


def bind(found: Zone) -> str:
    """A zone file without SOA and NS: those are the other provider's."""
    head = [
        f"; {found.name}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, failover hosts on the stand-by",
        f"$ORIGIN {found.name}.",
    ]
    return "\n".join([*head, *(f"{name}. {ttl} IN {kind} {value}" for name, ttl, kind, value in found.rows)]) + "\n"


def route53(found: Zone) -> str:
    """A change batch for `aws route53 change-resource-record-sets --change-batch file://…`; safe to send again."""
    sets: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for name, ttl, kind, value in found.rows:
        if kind in ROUTE53_TYPES:
            sets[name, kind].append((ttl, value))
        else:
            found.warnings.append(f"{name}: Route 53 has no records of type {kind}; left out")
    if len(sets) > BATCH:
        found.warnings.append(f"{len(sets)} changes are more than Route 53 takes in one batch, {BATCH}: split the list")
    changes = [
        {
            "Action": "UPSERT",
            "ResourceRecordSet": {
                "Name": f"{name}.",
                "Type": kind,
                "TTL": min(ttl for ttl, _ in rows),
                "ResourceRecords": [{"Value": value} for _, value in rows],
            },
        }
        for (name, kind), rows in sets.items()
    ]
    return json.dumps({"Comment": f"{found.name}: plan C", "Changes": changes}, indent=2) + "\n"
