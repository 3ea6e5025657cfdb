"""What a client sees: one HTTP request to one address, and which side answered it."""

import functools
import socket
import ssl
import time
from dataclasses import dataclass

import httpcore

from failover.common.deadline import NEVER, DeadlineBackend
from failover.common.ids import Host, Probes
from failover.common.sides import BUILD_HEADER, HEADER, Side, side_of

# Of each read; and of the whole probe, because a side that drips is none that clients are served by.
REQUEST_SECONDS = 2.0
WHOLE_SECONDS = 4.0
BODY_BYTES = 64 * 1024
FAULTS = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)


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
        """One of the two sides answered, and not with an error of its own."""
        return self.side is not None and self.status is not None and self.status < 500

    def __str__(self) -> str:
        if self.fault:
            return f"{self.address}: {self.fault}"
        build = f", build {self.build}" if self.build else ""
        return f"{self.address}: {self.status} from {self.side or 'neither side'}{build}"


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
            return Seen(address=address, milliseconds=_since(started), fault=_words(error))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
        side = side_of(headers)
        fault = None
        if side is None:
            named = headers.get(HEADER)
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
        """Enough to know that the side does not only begin to answer."""
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


def _words(error: Exception) -> str:
    if isinstance(error, httpcore.TimeoutException):
        return "no answer in time"
    cause = str(error) or type(error).__name__
    return f"no connection: {cause}"


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
