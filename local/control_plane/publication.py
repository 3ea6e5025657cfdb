"""What the edge and DNS show of the data: all of it at once, unless a fault withholds something."""

from collections.abc import Mapping
from typing import Any

from local.control_plane.calls import Data
from local.control_plane.faults import Fault, FaultKind

KINDS = ("records", "routes")


def publish(before: Data, data: Data, faults: Mapping[FaultKind, Fault], now: float, linger_seconds: float) -> None:
    """Brings `data["published"]` up to date after a change, with what the faults withhold held back."""
    changed = _changed(before, data)
    for identity in changed:
        data["withheld"].pop(identity, None)
    if fault := faults.get(FaultKind.INVISIBLE):
        data["withheld"] |= dict.fromkeys(changed, _until(fault, now))
    elif fault := faults.get(FaultKind.PARTIAL_BATCH):
        data["withheld"] |= dict.fromkeys(changed[1:], _until(fault, now))
    refresh(data, now, linger_seconds)


def refresh(data: Data, now: float, linger_seconds: float) -> None:
    """Shows what is withheld no longer."""
    withheld, published = data["withheld"], data["published"]
    for identity in [identity for identity, until in withheld.items() if until is not None and until <= now]:
        del withheld[identity]
    proxied = _proxied(published)
    for kind in KINDS:
        kept = {identity: row for identity, row in published[kind].items() if identity in withheld}
        published[kind] = {identity: row for identity, row in data[kind].items() if identity not in withheld} | kept
    still = _proxied(published)
    ended = {name: {"record": row, "until": now + linger_seconds} for name, row in proxied.items() if name not in still}
    lingering = {**published["lingering"], **ended}
    published["lingering"] = {name: row for name, row in lingering.items() if name not in still and row["until"] > now}


def next_moment(data: Data) -> float | None:
    """Moment at which the next withheld change is shown."""
    return min((until for until in data["withheld"].values() if until is not None), default=None)


def _until(fault: Fault, now: float) -> float | None:
    return None if fault.seconds is None else now + fault.seconds


def _changed(before: Data, data: Data) -> list[str]:
    """Keys in the order of a batch: deleted, changed, new."""
    gone = [key for kind in KINDS for key in before[kind] if key not in data[kind]]
    both = [key for kind in KINDS for key, row in data[kind].items() if before[kind].get(key) not in (None, row)]
    new = [key for kind in KINDS for key in data[kind] if key not in before[kind]]
    return [*gone, *both, *new]


def _proxied(published: Mapping[str, Any]) -> dict[str, Any]:
    return {row["name"]: row for row in published["records"].values() if row["proxied"]}
