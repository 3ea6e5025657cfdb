"""Calls of Cloudflare's API: counted, limited in time and number, tried again where that can help."""

import contextlib
import email.utils
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import cloudflare
import httpx

from failover.common.backoff import pause, retry_after
from failover.common.clock import ApiClock, left
from failover.common.deadline import within
from failover.common.errors import ApiError, DeniedError, LimitedError, TakenError

Answer = TypeVar("Answer")
MOST_CALLS = 10
CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
TRIES = 4
# The ways in which Cloudflare says that it does not know the token: 6003 and 6111 for one that can't be a token.
DENIED_CODES = {1000, 1001, 6003, 6111, 9103, 9106, 9109, 10000}
# A record that is there already, or one that is not there any more: somebody else has been faster.
TAKEN_CODES = {81044, 81057, 81058}
REMAINING = re.compile(r"\br=(\d+)")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request as the evidence has it: no header, no body."""

    name: str
    request: str
    attempt: int
    status: int | None
    seconds: float
    fault: str | None = None

    def document(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass
class Transport:
    """One operation's connection to the API. Raises ApiError and its kinds, and nothing of the SDK."""

    base_url: str
    token: str = field(repr=False)
    most_calls: int = MOST_CALLS
    clock: ApiClock = field(default_factory=ApiClock)
    calls: list[Call] = field(default_factory=list)
    rate_left: int | None = None
    """Calls that the API's rate limit still allows; None until it has said so."""
    sleep: Callable[[float], None] = time.sleep
    sdk: cloudflare.Cloudflare = field(init=False, repr=False)
    _last: httpx.Response | None = field(default=None, repr=False)
    _sender: int = field(default=0, repr=False)
    """The thread of the call that is waited for."""

    def __post_init__(self) -> None:
        is_loopback = urlsplit(self.base_url).scheme == "http"
        self.sdk = cloudflare.Cloudflare(
            api_token=self.token,
            base_url=self.base_url,
            max_retries=0,
            # No proxy of the environment between us and an API on this machine.
            http_client=httpx.Client(
                event_hooks={"response": [self._learn]}, trust_env=not is_loopback, verify=not is_loopback
            ),
        )
        # The SDK takes an address or a key from the environment, and prefers them to the token.
        self.sdk.api_email = self.sdk.api_key = self.sdk.user_service_key = None

    @property
    def calls_left(self) -> int:
        return self.most_calls - len(self.calls)

    def close(self) -> None:
        self.sdk.close()

    def get(self, path: str, query: dict[str, str], timeout: httpx.Timeout) -> Any:
        """The result in the answer's envelope; for use within `call`, as are the next three."""
        options: cloudflare.RequestOptions = {"params": query, "timeout": timeout}
        return self.sdk.get(path, cast_to=httpx.Response, options=options).json()["result"]

    def put(self, path: str, body: Any, timeout: httpx.Timeout) -> Any:
        return self.sdk.put(path, cast_to=httpx.Response, body=body, options={"timeout": timeout}).json()["result"]

    def patch(self, path: str, body: Any, timeout: httpx.Timeout) -> Any:
        return self.sdk.patch(path, cast_to=httpx.Response, body=body, options={"timeout": timeout}).json()["result"]

    def post(self, path: str, body: Any, timeout: httpx.Timeout) -> Any:
        return self.sdk.post(path, cast_to=httpx.Response, body=body, options={"timeout": timeout}).json()["result"]

    def call(
        self,
        name: str,
        deadline: float,
        send: Callable[[httpx.Timeout], Answer],
        *,
        reserve: int = 0,
        tries: int = TRIES,
    ) -> Answer:
        """One call, tried again while time and calls last; `reserve` calls are kept for what comes after."""
        attempt, last = 0, ""
        while True:
            attempt += 1
            if self.calls_left <= (reserve if attempt > 1 else 0):
                rest = f"the rest of the {self.most_calls} API calls is kept for what comes after"
                used = f"{self.most_calls} API calls are used up"
                raise ApiError(f"{name}: {last}{rest if self.calls_left else used}")
            if left(deadline) == 0:
                raise ApiError(f"{name}: {last}its time is over")
            try:
                return self._send(name, attempt, deadline, send)
            except _PassingError as fault:
                last = f"{fault}, {attempt} times; " if attempt > 1 else f"{fault}; "
                if attempt >= tries:
                    raise ApiError(f"{name}: {fault}, {tries} times" if tries > 1 else f"{name}: {fault}") from fault
                self._wait(name, attempt, deadline, fault)

    def _send(self, name: str, attempt: int, deadline: float, send: Callable[[httpx.Timeout], Answer]) -> Answer:
        self._last, started = None, time.monotonic()
        rest = max(0.05, left(deadline))
        timeout = httpx.Timeout(min(READ_SECONDS, rest), connect=min(CONNECT_SECONDS, rest))
        fault: str | None = None
        request = ""
        try:
            # The timeouts are of each read; who drips keeps all of them.
            return within(min(CONNECT_SECONDS + READ_SECONDS, rest), lambda: self._sent(send, timeout))
        except TimeoutError as error:
            fault = "no whole answer in time"
            raise _PassingError(fault) from error
        except cloudflare.APIError as error:
            fault, request = _words(error), f"{error.request.method} {urlsplit(str(error.request.url)).path}"
            raise self._fault(name, error, fault) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Not Cloudflare's answer: a page of some proxy's, or half of one.
            fault = "an unreadable answer"
            raise _PassingError(fault) from error
        finally:
            last = self._answered()
            if last is not None:
                request = f"{last.request.method} {last.request.url.path}"
            seconds = round(time.monotonic() - started, 4)
            status = None if last is None else last.status_code
            self.calls.append(
                Call(name=name, request=request, attempt=attempt, status=status, seconds=seconds, fault=fault)
            )

    def _sent(self, send: Callable[[httpx.Timeout], Answer], timeout: httpx.Timeout) -> Answer:
        self._sender = threading.get_ident()
        return send(timeout)

    def _answered(self) -> httpx.Response | None:
        return self._last

    def _fault(self, name: str, error: cloudflare.APIError, words: str) -> Exception:
        if not isinstance(error, cloudflare.APIStatusError):
            return _PassingError(words)
        if error.status_code == 429 or error.status_code >= 500:
            wait = retry_after(error.response.headers.get("retry-after"), self.clock.now())
            return _PassingError(words, wait=wait)
        if error.status_code in (401, 403) or DENIED_CODES & _codes(error):
            return DeniedError(f"{name}: the token is refused: {words}")
        return (TakenError if TAKEN_CODES & _codes(error) else ApiError)(f"{name}: {words}")

    def _wait(self, name: str, attempt: int, deadline: float, fault: "_PassingError") -> None:
        seconds = pause(attempt, fault.wait)
        if seconds >= left(deadline):
            if fault.wait is not None:
                raise LimitedError(f"{name}: {fault}; asked to wait {fault.wait:.0f} s, which is too long") from fault
            raise ApiError(f"{name}: {fault}; no time to try again") from fault
        self.sleep(seconds)

    def _learn(self, response: httpx.Response) -> None:
        if threading.get_ident() != self._sender:
            return  # of a call that was given up
        self._last = response
        with contextlib.suppress(KeyError, ValueError, TypeError):
            self.clock.learn(email.utils.parsedate_to_datetime(response.headers["date"]))
        found = [int(number) for number in REMAINING.findall(response.headers.get("ratelimit", ""))]
        if found:
            self.rate_left = min(found)


class _PassingError(Exception):
    """What may pass."""

    def __init__(self, words: str, wait: float | None = None) -> None:
        super().__init__(words)
        self.wait = wait


def _codes(error: cloudflare.APIError) -> set[int]:
    return {code for code in (getattr(one, "code", None) for one in error.errors or []) if isinstance(code, int)}


def _words(error: cloudflare.APIError) -> str:
    """Status, codes and messages in one line; never a header, and so never the token."""
    if isinstance(error, cloudflare.APITimeoutError):
        return f"no answer in time from {_place(error)}"
    if isinstance(error, cloudflare.APIConnectionError):
        cause = error.__cause__
        return f"no connection to {_place(error)} ({type(cause).__name__ if cause else 'unknown cause'})"
    status = f"{error.status_code} " if isinstance(error, cloudflare.APIStatusError) else ""
    details = "; ".join(f"{one.code}: {one.message}" for one in error.errors or [] if getattr(one, "message", None))
    return f"{status}({' '.join(details.split())[:200]})" if details else (status.strip() or "an unreadable answer")


def _place(error: cloudflare.APIError) -> str:
    """Host, and port where one is named: of the file of ids, and of no variable of the environment."""
    return urlsplit(str(error.request.url)).netloc.rpartition("@")[2]
