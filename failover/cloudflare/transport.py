"""Calls of Cloudflare's API: counted, limited in time and number, tried again where that can help.

The SDK's own retries are off (`max_retries=0`): they know neither an operation's deadline nor the calls that it must
keep for backing out, and no library of retries counts calls and asks them to leave some.
"""

import contextlib
import email.utils
import functools
import queue
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import cloudflare
import httpx

from failover.common.clock import ApiClock, left
from failover.common.errors import ApiError, DeniedError, LimitedError, TakenError

Answer = TypeVar("Answer")
Method = Literal["get", "put", "patch", "post"]
MOST_CALLS = 10
CONNECT_SECONDS = 3.0
READ_SECONDS = 8.0
TRIES = 4
# Pauses between tries.
FIRST_SECONDS = 0.4
LONGEST_SECONDS = 8.0
# How Cloudflare says that it does not know the token: 6003 and 6111 for one that is not even shaped like a token.
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
    _answers: list[httpx.Response] = field(default_factory=list, repr=False)
    """Answers to the request in progress."""
    _sender: int = field(default=0, repr=False)
    """Thread of the request in progress; answers in any other are of a call that was given up."""

    def __post_init__(self) -> None:
        is_loopback = urlsplit(self.base_url).scheme == "http"
        self.sdk = cloudflare.Cloudflare(
            api_token=self.token,
            base_url=self.base_url,
            max_retries=0,
            # No proxy of the environment between us and an API on this machine.
            http_client=httpx.Client(
                event_hooks={"request": [self._begin], "response": [self._learn]},
                trust_env=not is_loopback,
                verify=not is_loopback,
            ),
        )
        # The SDK takes an address or a key from the environment, and prefers them to the token.
        self.sdk.api_email = self.sdk.api_key = self.sdk.user_service_key = None

    @property
    def calls_left(self) -> int:
        return self.most_calls - len(self.calls)

    def close(self) -> None:
        self.sdk.close()

    def call(
        self,
        name: str,
        method: Method,
        path: str,
        deadline: float,
        read: Callable[[Any], Answer],
        *,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        reserve: int = 0,
        tries: int = TRIES,
    ) -> Answer:
        """One call, tried again while time and calls last; `reserve` calls are kept for what comes after.

        `read` takes the result out of the answer's envelope; what it can't read is not an answer of Cloudflare's.
        """
        content = {} if body is None else {"body": body}
        act = functools.partial(getattr(self.sdk, method), path, cast_to=httpx.Response, **content)
        attempt, last = 0, ""
        while True:
            attempt += 1
            if self.calls_left <= (reserve if attempt > 1 else 0):
                kept = f"the rest of the {self.most_calls} API calls is kept for what comes after"
                used = f"{self.most_calls} API calls are used up"
                raise ApiError(f"{name}: {last}{kept if self.calls_left else used}")
            if left(deadline) == 0:
                raise ApiError(f"{name}: {last}its deadline has passed")

            try:
                with self._attempt(name, attempt):
                    rest = max(0.05, left(deadline))
                    timeout = httpx.Timeout(min(READ_SECONDS, rest), connect=min(CONNECT_SECONDS, rest))
                    options: cloudflare.RequestOptions = {"params": query or {}, "timeout": timeout}
                    # The timeouts are of each read: a server that sends a byte now and then never meets them.
                    sent = functools.partial(act, options=options)
                    answer = within(min(CONNECT_SECONDS + READ_SECONDS, rest), sent)
                    return read(answer.json()["result"])
            except _TransientError as fault:
                last = f"{fault}, {attempt} times; " if attempt > 1 else f"{fault}; "
                if attempt >= tries:
                    raise ApiError(f"{name}: {fault}, {tries} times" if tries > 1 else f"{name}: {fault}") from fault
                self._wait(name, attempt, deadline, fault)

    @contextlib.contextmanager
    def _attempt(self, name: str, attempt: int) -> Iterator[None]:
        """Records the attempt, and raises what went wrong as _TransientError or ApiError."""
        # One that was given up may still answer.
        self._answers.clear()
        self._sender = 0
        started = time.monotonic()
        fault: str | None = None
        request = ""
        try:
            yield
        except TimeoutError as error:
            fault = "no complete answer in time"
            raise _TransientError(fault) from error
        except cloudflare.APIError as error:
            fault, request = _text(error), f"{error.request.method} {urlsplit(str(error.request.url)).path}"
            raise self._fault(name, error, fault) from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Not Cloudflare's answer: a page of some proxy's, or half of one.
            fault = "an unreadable answer"
            raise _TransientError(fault) from error
        finally:
            status = None
            for answer in self._answers[-1:]:
                status, request = answer.status_code, f"{answer.request.method} {answer.request.url.path}"
            seconds = round(time.monotonic() - started, 4)
            self.calls.append(
                Call(name=name, request=request, attempt=attempt, status=status, seconds=seconds, fault=fault)
            )

    def _fault(self, name: str, error: cloudflare.APIError, text: str) -> Exception:
        if not isinstance(error, cloudflare.APIStatusError):
            return _TransientError(text)
        if error.status_code == 429 or error.status_code >= 500:
            wait = retry_after(error.response.headers.get("retry-after"), self.clock.now())
            return _TransientError(text, wait=wait)
        if error.status_code in (401, 403) or DENIED_CODES & _codes(error):
            return DeniedError(f"{name}: the token is refused: {text}")
        return (TakenError if TAKEN_CODES & _codes(error) else ApiError)(f"{name}: {text}")

    def _wait(self, name: str, attempt: int, deadline: float, fault: "_TransientError") -> None:
        seconds = pause(attempt, fault.wait)
        if seconds >= left(deadline):
            if fault.wait is not None:
                raise LimitedError(f"{name}: {fault}; asked to wait {fault.wait:.0f} s, which is too long") from fault
            raise ApiError(f"{name}: {fault}; no time to try again") from fault
        self.sleep(seconds)

    def _begin(self, _: httpx.Request) -> None:
        self._sender = threading.get_ident()

    def _learn(self, response: httpx.Response) -> None:
        if threading.get_ident() != self._sender:
            return  # of a call that was given up
        self._answers.append(response)
        with contextlib.suppress(KeyError, ValueError, TypeError):
            self.clock.learn(email.utils.parsedate_to_datetime(response.headers["date"]))
        found = [int(number) for number in REMAINING.findall(response.headers.get("ratelimit", ""))]
        if found:
            self.rate_left = min(found)


class _TransientError(Exception):
    """A fault that may be over at the next try."""

    def __init__(self, text: str, wait: float | None = None) -> None:
        super().__init__(text)
        self.wait = wait


def within(seconds: float, act: Callable[[], Answer]) -> Answer:
    """Limits a call whose connections it does not own: raises TimeoutError and lets it run on when it takes longer."""
    ends: queue.SimpleQueue[tuple[Answer | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            ends.put((act(), None))
        except BaseException as error:  # noqa: BLE001 (raised below, in the thread that waits)
            ends.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        answer, error = ends.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if error is not None:
        raise error
    return answer  # type: ignore[return-value]


def pause(attempt: int, retry_after: float | None, chance: float | None = None) -> float:
    """Seconds to wait after this attempt, the first being 1.

    Where the server asks for none, half of it is drawn by lot, so that two operators do not keep step.
    """
    drawn = random.random() if chance is None else chance
    if retry_after is not None:
        return retry_after + drawn * 0.2
    longest = min(LONGEST_SECONDS, FIRST_SECONDS * float(1 << (attempt - 1)))
    return longest * (0.5 + drawn / 2)


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks for, as a number or a date; None where it says neither (RFC 9110)."""
    if not value:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        moment = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _codes(error: cloudflare.APIError) -> set[int]:
    return {code for code in (getattr(one, "code", None) for one in error.errors or []) if isinstance(code, int)}


def _text(error: cloudflare.APIError) -> str:
    """Status, codes and messages in one line; never a header, and so never the token."""
    # Host, and port where one is named: of the file of ids, and of no variable of the environment.
    server = urlsplit(str(error.request.url)).netloc.rpartition("@")[2]
    if isinstance(error, cloudflare.APITimeoutError):
        return f"no answer in time from {server}"
    if isinstance(error, cloudflare.APIConnectionError):
        cause = error.__cause__
        return f"no connection to {server} ({type(cause).__name__ if cause else 'unknown cause'})"
    status = f"{error.status_code} " if isinstance(error, cloudflare.APIStatusError) else ""
    details = "; ".join(f"{one.code}: {one.message}" for one in error.errors or [] if getattr(one, "message", None))
    return f"{status}({' '.join(details.split())[:200]})" if details else (status.strip() or "an unreadable answer")
