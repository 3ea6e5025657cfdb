"""What a client sees: a resolver's answer for a name, one HTTP request to an address, and which side answered it."""

import functools
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.message
import dns.query
import dns.rdatatype
import dns.resolver
import httpcore

from failover.common.clock import NEVER, left
from failover.common.ids import Host, Ids, Probes
from failover.common.terms import Side

# Cloudflare, Google, Quad9: three operators, so that no single one's caches or lies decide.
PUBLIC = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
QUERY_SECONDS = 1.0
DNS_PORT = 53
# Of each read; and of the whole probe, because no client is served by a side that sends a byte now and then.
REQUEST_SECONDS = 2.0
WHOLE_SECONDS = 4.0
BODY_BYTES = 64 * 1024
FAULTS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
SIDE_HEADER = "x-served-by"
BUILD_HEADER = "x-build"
SIDES = {"worker": Side.WORKER, "pages": Side.WORKER, "vercel": Side.VERCEL}


@dataclass(frozen=True, kw_only=True)
class Lookup:
    """One resolver's answer for one name."""

    resolver: str
    addresses: tuple[str, ...] = ()
    alias: str | None = None
    """Where the name leads when the answer ends without an address, as a zone's own name servers answer."""
    ttl: int | None = None
    milliseconds: float = 0.0
    fault: str | None = None


def lookup(resolver: str, name: str, until: float = NEVER) -> Lookup:
    """IPv4 addresses; every fault is in the answer, none is raised. Over by `until`, in monotonic seconds."""
    started = time.monotonic()
    try:
        answer = _answer(resolver, name, min(until, started + QUERY_SECONDS))
    except dns.exception.Timeout:
        return Lookup(
            resolver=resolver, milliseconds=_since(started), fault=f"no answer within {_since(started) / 1000:.1f} s"
        )
    except (dns.exception.DNSException, OSError, ValueError) as error:
        return Lookup(resolver=resolver, milliseconds=_since(started), fault=f"{type(error).__name__}: {error}")
    found, ttls, alias = [], [], None
    for rrset in answer.answer:
        ttls.append(rrset.ttl)
        if rrset.rdtype == dns.rdatatype.A:
            found += [item.address for item in rrset]
        elif rrset.rdtype == dns.rdatatype.CNAME:
            alias = str(rrset[0].target).rstrip(".")
    fault = None if found or alias else f"answers {dns.rcode.to_text(answer.rcode())} and no address"
    return Lookup(
        resolver=resolver,
        addresses=tuple(sorted(found)),
        alias=None if found else alias,
        ttl=min(ttls, default=None),
        milliseconds=_since(started),
        fault=fault,
    )


def _answer(resolver: str, name: str, until: float) -> dns.message.Message:
    """Asks by UDP, and by TCP where that was truncated."""
    address, port = _parts(resolver)
    query = dns.message.make_query(name, dns.rdatatype.A)
    try:
        return dns.query.udp(query, address, timeout=left(until), port=port, raise_on_truncation=True)
    except dns.message.Truncated:
        return dns.query.tcp(query, address, timeout=left(until), port=port)


def followed(found: Lookup, resolvers: tuple[str, ...], until: float = NEVER) -> Lookup:
    """Addresses of the other zone's name that an answer ends at, from the first resolver that knows them."""
    if not found.alias:
        return found
    for resolver in resolvers:
        next_one = lookup(resolver, found.alias, until)
        if next_one.addresses:
            return Lookup(
                resolver=found.resolver,
                addresses=next_one.addresses,
                ttl=found.ttl,
                milliseconds=found.milliseconds + next_one.milliseconds,
            )
    return Lookup(
        resolver=found.resolver, milliseconds=found.milliseconds, fault=f"{found.alias}: nobody knows its address"
    )


def resolvers_of(ids: Ids) -> tuple[str, ...]:
    """Resolvers of the file; else three public ones and the zone's own name servers."""
    return ids.probes.resolvers or (*PUBLIC, *name_servers(ids.zone_name))


def name_servers(zone: str) -> tuple[str, ...]:
    """Addresses of two of the zone's name servers; none where nobody says them in time, for all of it together."""
    asker, until = dns.resolver.Resolver(configure=False), time.monotonic() + 2 * QUERY_SECONDS
    asker.nameservers = list(PUBLIC)
    try:
        names = sorted(str(one.target) for one in asker.resolve(zone, "NS", lifetime=left(until)))[:2]
        return tuple(str(next(iter(asker.resolve(name, "A", lifetime=left(until))))) for name in names)
    except (dns.exception.DNSException, OSError):
        return ()


def _parts(resolver: str) -> tuple[str, int]:
    address, _, port = resolver.rpartition(":")
    if address and port.isdigit() and address.count(":") == 0:
        return address, int(port)
    return resolver, DNS_PORT


def side_of(headers: Mapping[str, str]) -> Side | None:
    """The side that an answer names; None when it names neither."""
    return SIDES.get(headers.get(SIDE_HEADER, "").strip().lower())


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One answer, or why there was none."""

    address: str
    side: Side | None = None
    status: int | None = None
    build: str | None = None
    milliseconds: float = 0.0
    fault: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether one of the two sides answered, and not with an error of its own."""
        return self.side is not None and self.status is not None and self.status < 500

    def __str__(self) -> str:
        if self.fault:
            return f"{self.address}: {self.fault}"
        build = f", build {self.build}" if self.build else ""
        return f"{self.address}: {self.status} from {self.side or 'neither side'}{build}"


class DeadlineBackend(httpcore.NetworkBackend):
    """Connections that end by a deadline: a timeout of each read would wait for ever where a byte a second comes.

    For one request at a time: `until` is the deadline (monotonic seconds) of all that its connections do.
    """

    def __init__(self) -> None:
        self.until = NEVER
        self._plain = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self.seconds(timeout, httpcore.ConnectTimeout)
        return _Stream(self._plain.connect_tcp(host, port, seconds, local_address, socket_options), self)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, left(self.until)))

    def seconds(self, timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
        """What is left of both; raises `late` where nothing is."""
        if self.until == NEVER:
            return timeout
        rest = left(self.until)
        if rest == 0:
            raise late("the deadline is over")
        return rest if timeout is None else min(timeout, rest)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, backend: DeadlineBackend) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.seconds(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.seconds(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = self._backend.seconds(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, seconds), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Client:
    """Asks an address for a host name, as if DNS had led there. Each request is a new connection."""

    def __init__(self, probes: Probes, *, keeps_connections: bool = False, seconds: float = REQUEST_SECONDS) -> None:
        self._backend = DeadlineBackend()
        # By itself httpcore takes no proxy of the environment: it would ask DNS itself.
        self._pool = httpcore.ConnectionPool(
            # Reading the machine's authorities takes 20 ms, for nothing where no TLS is spoken.
            ssl_context=_trusted(probes.ca) if probes.scheme == "https" else None,
            max_keepalive_connections=1 if keeps_connections else 0,
            network_backend=self._backend,
        )
        self._scheme = probes.scheme
        self._timeout = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        # A connection can be kept only when all of its answer was read.
        self._most_bytes = NEVER if keeps_connections else BODY_BYTES

    def ask(self, host: Host, address: str, port: int, until: float = NEVER) -> Seen:
        """Every fault is in the answer, none is raised; over by `until`, in monotonic seconds."""
        started = time.monotonic()
        self._backend.until = min(until, started + WHOLE_SECONDS)
        url = httpcore.URL(scheme=self._scheme, host=address, port=port, target=host.path)
        extensions = {"sni_hostname": host.hostname, "timeout": self._timeout}
        try:
            with self._pool.stream("GET", url, headers=_headers(host), extensions=extensions) as answer:
                self._read(answer)
        except (*FAULTS, OSError) as error:
            return Seen(address=address, milliseconds=_since(started), fault=_text(error))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        side = side_of(headers)
        fault = None
        if side is None:
            named = headers.get(SIDE_HEADER)
            fault = f"{answer.status} that names {f'the side {named[:40]!r}' if named else 'neither side'}"
        return Seen(
            address=address,
            side=side,
            status=answer.status,
            build=headers.get(BUILD_HEADER) or None,
            milliseconds=_since(started),
            fault=fault,
        )

    def _read(self, answer: httpcore.Response) -> None:
        """Reads so much of the body that an answer that breaks off is noticed."""
        size = 0
        for part in answer.iter_stream():
            size += len(part)
            if size >= self._most_bytes:
                return

    def close(self) -> None:
        self._pool.close()


def _headers(host: Host) -> dict[bytes | str, bytes | str]:
    return {
        "host": host.hostname,
        "accept": "*/*",
        "accept-encoding": "gzip",
        "cache-control": "no-cache",
        "user-agent": "hybrid-failover",
    }


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What is known of a side's certificate."""

    days: int | None = None
    """Whole days that it has left."""
    fault: str | None = None
    """Why they are not known."""
    is_refused: bool = False
    """Whether clients would refuse it: it is over, of another name, or of nobody they trust."""


def certificate(host: Host, address: str, port: int, probes: Probes, now: float) -> Certificate:
    """The certificate that clients of the host are shown there; none of its faults is raised."""
    try:
        with (
            socket.create_connection((address, port), timeout=REQUEST_SECONDS) as plain,
            _trusted(probes.ca).wrap_socket(plain, server_hostname=host.hostname) as secured,
        ):
            found = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return Certificate(fault=f"is refused: {error.verify_message}", is_refused=True)
    except OSError as error:
        return Certificate(fault=f"was not seen: no TLS at {address}:{port}: {error.strerror or type(error).__name__}")
    ends = found.get("notAfter")
    if not isinstance(ends, str):
        return Certificate(fault="does not say when it ends")
    return Certificate(days=int((ssl.cert_time_to_seconds(ends) - now) // 86400))


@functools.cache
def _trusted(ca: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def _text(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "no answer in time"
    cause = str(error) or type(error).__name__
    return f"no connection: {cause}"


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
