"""A restore ends exactly at the transaction that was chosen."""

import json
import sys
from typing import Any

import pytest

from local.host import namespace
from tests.commands import ran
from tests.host.recovery.site import ANSWER_SECONDS, Site, restore
from tests.run.soak import draws, trials

pytestmark = pytest.mark.slow

ROWS = 40
TRIALS, ROUNDS = trials(4, 10), trials(1, 5)
"""Of restores, and how often so many are tried: a test has five minutes."""


@pytest.fixture(scope="module")
def written(site: Site) -> list[dict[str, Any]]:
    """Rows 1 to 40, of which a restore point and a second backup are in the middle; all is archived."""
    found = []
    for number in range(1, ROWS + 1):
        found.append(site.row(number))
        if number == ROWS // 2:
            site.host.superuser("SELECT pg_create_restore_point('half')")
            site.done({"act": "backup", "kind": "incr"})
    # Has the log archived, which the trials after it do not.
    site.done(restore("latest", into="last"))
    site.done({"act": "discard", "name": "last"})
    return found


def recovered(site: Site, requests: list[Any]) -> list[list[int]]:
    spec = site.host.root.with_name("recovery.json")
    argv = [sys.executable, "-m", "tests.host.recovery.trials", str(spec), str(site.host.root)]
    answer = ran(namespace.enter(site.host.pid, argv), input=json.dumps(requests), timeout=ANSWER_SECONDS)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def up_to(row: int) -> list[int]:
    return list(range(1, row + 1))


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_a_chosen_transaction_is_the_last_one_in_random_trials(
    site: Site, written: list[dict[str, Any]], capsys: pytest.CaptureFixture[str], round_: int
) -> None:
    draw = draws(5)
    # A row before the first backup's end would be in any copy.
    chosen = draw.sample(written[2:-1], TRIALS)
    kinds = [draw.choice(["xid", "time"]) for _ in chosen]
    requests = [
        restore(kind, row["xid"] if kind == "xid" else row["at"], act="plan")
        for kind, row in zip(kinds, chosen, strict=True)
    ]
    found = recovered(site, requests)
    exact = sum(rows == up_to(row["number"]) for rows, row in zip(found, chosen, strict=True))
    with capsys.disabled():
        print(
            f"\n{exact} of {TRIALS} restores exact: {kinds.count('xid')} by transaction, {kinds.count('time')} by time"
        )
    assert [rows[-1] for rows in found] == [row["number"] for row in chosen]
    assert exact == TRIALS


def test_positions_names_and_exclusive_targets_are_exact(site: Site, written: list[dict[str, Any]]) -> None:
    early, late = written[9], written[29]
    requests = [
        restore("lsn", early["lsn"], act="plan"),
        restore("lsn", late["lsn"], act="plan"),
        restore("name", "half", act="plan"),
        restore("xid", late["xid"], is_exclusive=True, act="plan"),
        restore("xid", early["xid"], is_exclusive=True, act="plan"),
    ]
    expected = [early["number"], late["number"], ROWS // 2, late["number"] - 1, early["number"] - 1]
    assert recovered(site, requests) == [up_to(row) for row in expected]


def test_the_newest_backup_before_the_target_is_taken(site: Site, written: list[dict[str, Any]]) -> None:
    first, second = [backup["label"] for backup in site.done({"act": "list"})["backups"]]
    for kind, row, label in (
        ("xid", written[9], first),
        ("xid", written[29], second),
        ("lsn", written[9], first),
        ("lsn", written[29], second),
    ):
        plan = site.done(restore(kind, row[kind], act="plan"))
        assert (plan["backup"]["label"], plan["faults"]) == (label, [])


def test_a_copy_runs_beside_main_and_is_discarded(site: Site, written: list[dict[str, Any]]) -> None:
    # Committed just now, and in no archived segment yet.
    at = site.row(ROWS + 1)["at"]
    site.row(ROWS + 2)
    answer = site.done(restore("time", at, into="beside"))
    cluster = answer["cluster"]
    assert (cluster["state"], cluster["kind"]) == ("running", "restored")
    assert site.copy("SELECT max(row) FROM public.trial", cluster) == str(ROWS + 1)
    assert site.copy("SELECT current_setting('cron.launch_active_jobs'), current_setting('archive_mode')", cluster) == (
        "off|off"
    )
    assert "has data, and would be overwritten" in site.ask(restore("latest", into="beside")).fault
    again = site.done(restore("latest", into="beside", replace="beside"))["cluster"]
    assert int(site.copy("SELECT max(row) FROM public.trial", again)) == ROWS + 2
    assert site.done({"act": "discard", "name": "beside"})["freed_bytes"] > 10 * 2**20
    assert (site.clusters(), site.servers()) == ([], [])
