"""The thread that has changes seen in DNS: published records as the answers that Cloudflare would give, sent to the
authoritative name server, and what was withheld, once its time has come.
"""

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from threading import Event, Thread
from typing import Any

import dns.inet
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.tsig
import dns.update
import dns.zone

from local.control_plane.control_plane import ControlPlane
from local.control_plane.records import AUTOMATIC
from local.control_plane.settings import OWN_HOST, PROXIED_TTL_SECONDS, NameServer

Answers = dict[tuple[str, str], tuple[int, frozenset[str]]]
"""Name in full and type → TTL in seconds and contents in DNS's own notation."""
SECONDS = 2.0
# The server's own, as its NS and the host in it: they are not among a zone's records at Cloudflare either.
OWN_TYPES = ("SOA",)
FED_TYPES = {"A", "AAAA", "CNAME", "TXT", "MX", "NS", "CAA", "SRV", "PTR"}


class NameServerError(Exception):
    """The name server does not answer, or refuses the update."""


def answers(records: Iterable[Mapping[str, Any]], edge_address: str) -> Answers:
    """A proxied record is answered with the edge's address, and with a TTL of its own."""
    found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    ttls: dict[tuple[str, str], int] = {}
    for record in records:
        key = (record["name"], "A" if record["proxied"] else record["type"])
        if record["type"] not in FED_TYPES:
            continue
        is_automatic = record["proxied"] or record["ttl"] == AUTOMATIC
        ttl = PROXIED_TTL_SECONDS if is_automatic else record["ttl"]
        ttls[key] = min(ttl, ttls.get(key, ttl))
        found[key].add(edge_address if record["proxied"] else _notation(record))
    return {key: (ttls[key], frozenset(contents)) for key, contents in found.items()}


def current(server: NameServer, zone: str) -> Answers:
    """What it answers now, by a transfer of the zone. Raises NameServerError."""
    key = dns.name.from_text(server.key_name)
    try:
        transfer = dns.query.xfr(
            server.address,
            f"{zone}.",
            port=server.port,
            lifetime=SECONDS,
            keyring=_keyring(server),
            keyname=key,
            relativize=False,
        )
        found = dns.zone.from_xfr(transfer, relativize=False)
    except (OSError, EOFError, dns.exception.DNSException) as error:
        raise NameServerError(f"{zone}: can't be transferred: {error}") from error
    own = {(f"{zone}.", "NS"), (f"{OWN_HOST}.{zone}.", "A")}
    return {
        (name.to_text(omit_final_dot=True), kind): (
            rows.ttl,
            frozenset(row.to_text(origin=None, relativize=False) for row in rows),
        )
        for name, rows in found.iterate_rdatasets()
        if (kind := dns.rdatatype.to_text(rows.rdtype)) not in OWN_TYPES and (name.to_text(), kind) not in own
    }


def change(server: NameServer, zone: str, before: Answers, after: Answers) -> None:
    """Sends one update, which the server takes as a whole and with a new serial. Raises NameServerError."""
    key = dns.name.from_text(server.key_name)
    update = dns.update.UpdateMessage(zone, keyring=_keyring(server), keyname=key)
    # A CNAME lets nothing stand beside it: what goes is taken away first.
    for name, kind in before.keys() - after.keys():
        update.delete(f"{name}.", kind)
    for (name, kind), (ttl, contents) in after.items():
        if before.get((name, kind)) != (ttl, contents):
            update.replace(f"{name}.", ttl, kind, *sorted(contents))
    if not update.update:
        return
    try:
        answer = dns.query.tcp(update, server.address, port=server.port, timeout=SECONDS)
    except (OSError, EOFError, dns.exception.DNSException) as error:
        raise NameServerError(f"{zone}: can't be updated: {error}") from error
    if answer.rcode() != dns.rcode.NOERROR:
        raise NameServerError(f"{zone}: refuses the update: {dns.rcode.to_text(answer.rcode())}")


def _keyring(server: NameServer) -> dict[dns.name.Name, dns.tsig.Key]:
    name = dns.name.from_text(server.key_name)
    return {name: dns.tsig.Key(name, server.key, dns.tsig.HMAC_SHA256)}


def _notation(record: Mapping[str, Any]) -> str:
    content = str(record["content"])
    match record["type"]:
        case "CNAME" | "NS" | "PTR":
            return f"{content}."
        case "MX":
            return f"{record.get('priority', 10)} {content}."
        case "TXT" if not content.startswith('"'):
            text = content.encode()
            return dns.rdtypes.ANY.TXT.TXT(
                dns.rdataclass.IN, dns.rdatatype.TXT, [text[at : at + 255] for at in range(0, len(text), 255)]
            ).to_text()
        case _:
            return content


RETRY_SECONDS = 0.2


class Publisher:
    """Publishes from one thread; a name server that is away gets all that it has missed when it is back."""

    def __init__(self, control_plane: ControlPlane) -> None:
        self._control_plane = control_plane
        self._awake = Event()
        self._known: dict[str, Answers] = {}
        """What the name server answers, by zone; nothing where that is not known."""
        self._fault = ""
        self._is_ended = False
        self._thread = Thread(target=self._run, daemon=True)
        control_plane.on_publication(self._awake.set)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_ended = True
        self._awake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._is_ended:
            self._awake.clear()
            self._control_plane.show_due()
            is_sent = self._send()
            wait = self._control_plane.seconds_to_next()
            if not is_sent:
                wait = min(RETRY_SECONDS, RETRY_SECONDS if wait is None else wait)
            self._awake.wait(wait)

    def _send(self) -> bool:
        """Whether the name server has all."""
        server = self._control_plane.settings.name_server
        if server is None:
            return True
        records = self._control_plane.published()["records"].values()
        try:
            for zone in self._control_plane.settings.zones:
                own = (record for record in records if record["zone_id"] == zone.id)
                wanted = answers(own, self._control_plane.settings.edge_address)
                if zone.name not in self._known:
                    self._known[zone.name] = current(server, zone.name)
                change(server, zone.name, self._known[zone.name], wanted)
                self._known[zone.name] = wanted
        except NameServerError as error:
            self._known.clear()
            if str(error) != self._fault:
                print(f"name server: {error}", file=sys.stderr, flush=True)
            self._fault = str(error)
            return False
        self._fault = ""
        return True
