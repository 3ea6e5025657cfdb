"""What a plan says that a restore stops and loses."""

from dataclasses import replace
from pathlib import Path

import pytest

from host.recovery import inventory
from host.recovery.choice import Live, choose
from host.recovery.contract import RestoreRequest, Source, Target
from host.recovery.plan import BACKUP_RUNS, Plan, consequences, made
from tests.host.recovery.held import at, backup, situation
from tests.host.recovery.machine import machine

UNKNOWN = "whether the log has this target is not known: where it lacks it, nothing is restored or changed"
LATER_ROWS = "every row that was committed after the target; what is kept has them"


def plan(target: Target, into: str = "side") -> Plan:
    held = situation(backup(2), backup(10), live=Live(20_000, 0, 1, at(1)))
    return Plan(
        target, Source(), into, choose(target, held), held, (), into == "main", None, "", 0, 0, 0, 0, (None, "nothing")
    )


@pytest.mark.parametrize(
    ("target", "into", "loses"),
    [
        (Target(kind="latest"), "side", None),
        (Target(kind="name", value="point"), "side", UNKNOWN),
        (Target(kind="name", value="point", label=backup(10).label), "side", UNKNOWN),
        # Before every note of a transaction.
        (Target(kind="xid", value="5"), "side", UNKNOWN),
        (Target(kind="xid", value="10000"), "side", None),
        (Target(kind="name", value="point"), "main", f"{LATER_ROWS}; {UNKNOWN}"),
        (Target(kind="xid", value="10000"), "main", LATER_ROWS),
    ],
)
def test_a_plan_does_not_promise_what_it_can_not_know(target: Target, into: str, loses: str | None) -> None:
    assert consequences(plan(target, into))["loses"] == loses


def test_main_is_not_stopped_while_a_backup_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = situation(backup(2), live=Live(20_000, 0, 1, at(1)))
    monkeypatch.setattr(inventory, "read", lambda _: replace(found.held, is_backing_up=True))
    monkeypatch.setattr("host.recovery.plan.read_situation", lambda *_, **__: (found, None))
    on = machine(tmp_path)
    for into, faults in (("main", [BACKUP_RUNS]), ("side", [])):
        request = RestoreRequest(act="plan", target=Target(kind="latest"), into=into, replace=into)
        assert [fault for fault in made(on, request).faults if "backup" in fault] == faults


def test_a_standby_is_named_as_one_that_may_be_there() -> None:
    back = plan(Target(kind="xid", value="10000"), "main")
    postgresql, standby = consequences(back)["stops"]
    assert postgresql == "PostgreSQL (main), while the folders change places"
    assert standby == "a standby, if one follows main, until it is made again"
    newest = plan(Target(kind="latest"), "main")
    assert consequences(newest)["stops"] == ["PostgreSQL (main), while it is restored"]
