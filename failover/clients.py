"""What a client sees: one HTTP request to one address, and which side answered it."""

import functools
import socket
import ssl
import time
from dataclasses import dataclass

import httpx

from failover.ids import Host, Probes
from failover.sides import BUILD_HEADER, HEADER, Side, side_of

REQUEST_SECONDS = 2.0


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
        limits = httpx.Limits(max_keepalive_connections=1 if keeps_connections else 0)
        # No proxy of the environment: it would ask DNS itself.
        self._client = httpx.Client(verify=_trust(probes), trust_env=False, timeout=seconds, limits=limits)
        self._scheme = probes.scheme

    def ask(self, host: Host, address: str, port: int) -> Seen:
        """Every fault is in the answer, none is raised."""
        default = 443 if self._scheme == "https" else 80
        url = f"{self._scheme}://{address}{'' if port == default else f':{port}'}{host.path}"
        headers = {"host": host.hostname, "cache-control": "no-cache", "user-agent": "hybrid-failover"}
        started = time.monotonic()
        try:
            answer = self._client.get(url, headers=headers, extensions={"sni_hostname": host.hostname})
        except (httpx.HTTPError, OSError) as error:
            return Seen(address=address, milliseconds=_since(started), fault=_words(error))
        side = side_of(answer.headers)
        fault = None
        if side is None:
            named = answer.headers.get(HEADER)
            fault = f"{answer.status_code} that names {f'the side {named[:40]!r}' if named else 'neither side'}"
        return Seen(
            address=address,
            side=side,
            status=answer.status_code,
            build=answer.headers.get(BUILD_HEADER) or None,
            milliseconds=_since(started),
            fault=fault,
        )

    def close(self) -> None:
        self._client.close()


def certificate_days(host: Host, address: str, port: int, probes: Probes, now: float) -> tuple[int | None, str | None]:
    """Whole days that the certificate there has left, or why they are not known."""
    try:
        with (
            socket.create_connection((address, port), timeout=REQUEST_SECONDS) as plain,
            _trusted(probes.ca).wrap_socket(plain, server_hostname=host.hostname) as secured,
        ):
            certificate = secured.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return None, f"certificate refused: {error.verify_message}"
    except OSError as error:
        return None, f"no TLS at {address}:{port}: {error.strerror or type(error).__name__}"
    ends = certificate.get("notAfter")
    if not isinstance(ends, str):
        return None, "the certificate does not say when it ends"
    return int((ssl.cert_time_to_seconds(ends) - now) // 86400), None


def _trust(probes: Probes) -> ssl.SSLContext | bool:
    # Reading the machine's authorities takes 20 ms, for nothing where no TLS is spoken.
    return _trusted(probes.ca) if probes.scheme == "https" else False


@functools.cache
def _trusted(ca: str | None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca)


def _words(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no answer in time"
    cause = str(error) or type(error).__name__
    return f"no connection: {cause}"


def _since(started: float) -> float:
    return round((time.monotonic() - started) * 1000, 1)
