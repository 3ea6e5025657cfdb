"""Verification from outside: several resolvers, real requests, until enough answers in a row name the wanted side."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from failover.common.clock import NEVER, left
from failover.common.ids import Host, Ids
from failover.common.terms import Kind, Side
from failover.probe.clients import Client, Lookup, Seen, followed, lookup, resolvers_of

IN_A_ROW = 5
PAUSE_SECONDS = 0.15
# A resolver that has said nothing for this long is slow: the rest decide without it.
GRACE_SECONDS = 3.0
# Seconds between two messages of progress.
SAY_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What a client of one resolver gets for one host."""

    hostname: str
    resolver: str
    found: Lookup
    seen: Seen | None = None

    @property
    def side(self) -> Side | None:
        return self.seen.side if self.seen and self.seen.is_good else None

    def __str__(self) -> str:
        if self.found.fault:
            return f"{self.hostname} by {self.resolver}: {self.found.fault}"
        ttl = f" (TTL {self.found.ttl} s)" if self.found.ttl is not None else ""
        return f"{self.hostname} by {self.resolver}{ttl}: {self.seen}"


@dataclass
class _Watcher:
    """One resolver's client for one host."""

    host: Host
    resolver: str
    last: Sighting | None = None
    streak: int = 0
    """Answers in a row that name the wanted side."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Which hosts hold, what was seen last, and which resolvers said something else."""

    wanted: Side
    held: frozenset[str]
    sightings: tuple[Sighting, ...]
    dissent: tuple[str, ...]
    seconds: float

    @property
    def is_blind(self) -> bool:
        """Whether no resolver has answered at all: what clients get is not known then."""
        return all(one.found.fault for one in self.sightings)

    def is_whole(self, hosts: Sequence[Host]) -> bool:
        return all(host.hostname in self.held for host in hosts)


class View:
    """How clients reach the hosts. Use `snapshot` once, or `wait` until a side holds."""

    def __init__(self, ids: Ids, pause_seconds: float = PAUSE_SECONDS, grace_seconds: float = GRACE_SECONDS) -> None:
        self.ids = ids
        self.say_seconds = SAY_SECONDS
        self._pause, self._grace = pause_seconds, grace_seconds
        self._resolvers: tuple[str, ...] = ()
        self._lock = threading.Lock()

    @property
    def resolvers(self) -> tuple[str, ...]:
        """Resolvers, looked up on first use: finding the zone's own name servers takes a while."""
        with self._lock:
            self._resolvers = self._resolvers or resolvers_of(self.ids)
            return self._resolvers

    def snapshot(self, hosts: Sequence[Host], until: float) -> list[Sighting]:
        """Every resolver for every host, once and concurrently; one that is late is reported as late."""
        watchers = self._watchers(hosts)
        threads = [threading.Thread(target=self._once, args=(one, None, until), daemon=True) for one in watchers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(left(until))
        return [one.last or _late(one) for one in watchers]

    def standby(self, host: Host, until: float) -> Seen:
        """The stand-by asked directly, past Cloudflare."""
        found = self.standby_address(host, until)
        if isinstance(found, str):
            return Seen(address=host.standby, fault=found)
        with contextlib.closing(Client(self.ids.probes)) as client:
            return client.ask(host, *found, until)

    def pages(self, host: Host, until: float) -> Seen | None:
        """A Pages project under its own name, which it keeps while the host leads elsewhere; None for other kinds."""
        if host.kind is not Kind.PAGES:
            return None
        name, probes = host.record.content, self.ids.probes
        for resolver in self.resolvers:
            found = followed(lookup(resolver, name, until), self.resolvers, until)
            if found.addresses:
                with contextlib.closing(Client(probes)) as client:
                    return client.ask(replace(host, hostname=name), found.addresses[0], probes.port, until)
        return Seen(address=name, fault=f"no resolver knows the address of {name}")

    def standby_address(self, host: Host, until: float) -> tuple[str, int] | str:
        """Address and port, or why they are not known."""
        if self.ids.probes.standby:
            return self.ids.probes.standby
        for resolver in self.resolvers:
            found = followed(lookup(resolver, host.standby, until), self.resolvers, until)
            if found.addresses:
                return found.addresses[0], self.ids.probes.port
        return "no resolver knows its address"

    def wait(
        self,
        hosts: Sequence[Host],
        wanted: Side,
        deadline: float,
        in_a_row: int = IN_A_ROW,
        say: Callable[[str], None] = lambda _: None,
    ) -> Verdict:
        """Ends when most resolvers' clients of every host have named the side so often in a row, or at the deadline.

        `say` is told now and then what is still awaited.
        """
        started, stop = time.monotonic(), threading.Event()
        watchers = self._watchers(hosts)
        for one in watchers:
            threading.Thread(target=self._watch, args=(one, wanted, stop), daemon=True).start()
        held: frozenset[str] = frozenset()
        said = started
        try:
            while True:
                is_over, is_patient = self.is_over(watchers, deadline), time.monotonic() - started < self._grace
                names = {host.hostname for host in hosts}
                held = frozenset(name for name in names if _holds(name, watchers, in_a_row, is_patient=is_patient))
                if held == names or is_over:
                    break
                if time.monotonic() - said >= self.say_seconds:
                    said += self.say_seconds
                    say(_awaited(wanted, names - held, watchers))
                time.sleep(min(0.02, left(deadline)))
        finally:
            stop.set()
        sightings = tuple(one.last for one in watchers if one.last)
        dissent = tuple(filter(None, (_dissent(one, watchers, wanted, held) for one in watchers)))
        seconds = time.monotonic() - started
        return Verdict(wanted=wanted, held=held, sightings=sightings, dissent=dissent, seconds=seconds)

    def is_over(self, watchers: Sequence[_Watcher], deadline: float) -> bool:
        """Whether to stop waiting for the hosts that have not switched yet."""
        return left(deadline) == 0

    def _watchers(self, hosts: Sequence[Host]) -> list[_Watcher]:
        return [_Watcher(host, resolver) for host in hosts for resolver in self.resolvers]

    def _watch(self, one: _Watcher, wanted: Side, stop: threading.Event) -> None:
        while not stop.is_set():
            self._once(one, wanted)
            stop.wait(self._pause)

    def _once(self, one: _Watcher, wanted: Side | None, until: float = NEVER) -> None:
        found = followed(lookup(one.resolver, one.host.hostname, until), self.resolvers, until)
        seen = None
        if found.addresses:
            with contextlib.closing(Client(self.ids.probes)) as client:
                seen = client.ask(one.host, found.addresses[0], self.ids.probes.port, until)
        sighting = Sighting(hostname=one.host.hostname, resolver=one.resolver, found=found, seen=seen)
        one.streak = one.streak + 1 if wanted and sighting.side is wanted else 0
        one.last = sighting


def _late(one: _Watcher) -> Sighting:
    found = Lookup(resolver=one.resolver, fault="no answer in the time that the preflight may take")
    return Sighting(hostname=one.host.hostname, resolver=one.resolver, found=found)


def _holds(hostname: str, watchers: list[_Watcher], in_a_row: int, *, is_patient: bool) -> bool:
    """More than half of the resolvers; of those that answer, once the others have had their time."""
    own = [one for one in watchers if one.host.hostname == hostname]
    voters = own if is_patient else [one for one in own if one.last and not one.last.found.fault]
    # One answer alone is believed only where nobody else is there to be asked.
    if len(voters) < min(2, len(own)):
        return False
    return 2 * sum(one.streak >= in_a_row for one in voters) > len(voters)


def _awaited(wanted: Side, names: Collection[str], watchers: list[_Watcher]) -> str:
    """The hosts that are still awaited, and what one of their clients gets instead."""
    own = [one.last for one in watchers if one.host.hostname in names and one.last and one.last.side is not wanted]
    instead = f" ({own[0]})" if own else ""
    return f"waiting until {wanted} answers for {', '.join(sorted(names))}{instead}"


def _dissent(one: _Watcher, watchers: list[_Watcher], wanted: Side, held: frozenset[str]) -> str | None:
    """What this resolver says against the others; None when it agrees. Outvoted it is only where the others won."""
    last, is_held = one.last, one.host.hostname in held
    if last is None:
        return f"{one.host.hostname} by {one.resolver}: slow, has not answered yet{'; not counted' * is_held}"
    if last.found.fault:
        return f"{last}{'; not counted' * is_held}"
    if last.side is wanted:
        return None
    others = {
        other.last.found.addresses
        for other in watchers
        if other is not one and other.host is one.host and other.last and other.last.side is wanted
    }
    if others and last.found.addresses not in others:
        agreed = ", ".join(sorted({address for addresses in others for address in addresses}))
        return f"{last}; the others say {agreed}: wrong, or an answer kept for its TTL{'; outvoted' * is_held}"
    return str(last)
