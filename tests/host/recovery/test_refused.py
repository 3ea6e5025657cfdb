"""What is refused, and that nothing is left of what failed or was killed."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from host.recovery.wal import SEGMENT_BYTES
from tests.host.database.test_status import settings
from tests.host.recovery.conftest import running_site
from tests.host.recovery.site import CLUSTERS, Site, restore
from tests.host.store import ObjectStore
from tests.host.tree import Tree
from tests.waiting import LIMIT_SECONDS, until

pytestmark = pytest.mark.slow

DISK_MB = 320


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (restore("time", "2020-01-01T00:00:00Z", act="plan"), "is before the end of the first backup"),
        (restore("lsn", "0/1", act="plan"), "is before the end of the first backup"),
        (restore("lsn", "FF/0", act="plan"), "is after the end of the log"),
        (restore("xid", "4000000000", act="plan"), "has not begun yet"),
        (restore("latest", act="plan", timeline=9), "timeline 9: is not in the archive, which has 1"),
        (restore("latest", act="plan", set="20200101-000000F"), "set 20200101-000000F: is not in the repository"),
    ],
)
def test_a_target_that_can_t_be_reached_is_refused_with_the_reason(site: Site, request_: Any, message: str) -> None:
    (fault,) = site.done(request_)["faults"]
    assert message in fault
    assert message in site.ask(request_ | {"act": "restore"}).fault


def test_a_time_in_the_future_is_refused_with_the_window(site: Site) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    (fault,) = site.done(restore("time", later, act="plan"))["faults"]
    assert "is in the future" in fault
    assert "restorable: " in fault


def test_a_transaction_that_never_was_is_not_found(site: Site) -> None:
    fault = site.ask(restore("name", "no-such-point")).fault
    assert "the archived log ends before it; the last archived transaction is of" in fault
    assert (site.clusters(), site.servers()) == ([], [])


def test_what_nobody_foresaw_is_answered_too(site: Site) -> None:
    broken = "from host.recovery import __main__ as main; main.ACTS['list'] = lambda *_: {}['stanza']; "
    answer = site.ask_with(broken, {"act": "list"})
    assert answer.fault == "host.recovery: KeyError: 'stanza'; it said where on stderr"
    assert "Traceback" in answer.stderr


def test_a_log_that_nothing_brings_ends_the_restore(site: Site) -> None:
    broken = "from host.recovery.fetcher import Fetcher; Fetcher._ahead = lambda *_: 1 // 0; "
    assert "its log can't be brought any more: ZeroDivisionError" in site.ask_with(broken, restore("latest")).fault
    broken = "from host.recovery.fetcher import Fetcher; Fetcher.run = lambda _: None; "
    assert "the WAL fetcher has stopped" in site.ask_with(broken, restore("latest")).fault
    assert (site.clusters(), site.servers()) == ([], [])


def test_main_is_not_replaced_unless_its_name_is_typed(site: Site) -> None:
    assert "allowed: replace main" in site.ask(restore("latest", into="main", act="stage")).fault


def began(site: Site, request: Any) -> Any:
    """The engine at work, with a server of its own running."""
    asked = site.asking(request)
    assert asked.stdin
    asked.stdin.write(json.dumps(request))
    asked.stdin.close()
    # communicate would write to it.
    asked.stdin = None
    return asked


def engine_pid(site: Site) -> int:
    # Of what it starts, each is called like it for a moment.
    return int(site.host.inside(["pgrep", "--oldest", "--full", "^[^ ]*python[^ ]* -m host.recovery"]).stdout)


@pytest.mark.parametrize(("act", "called"), [("drill", "drill"), ("stage", "restore in place")])
def test_nothing_outlives_a_killed_engine_and_the_next_command_cleans(site: Site, act: str, called: str) -> None:
    request = {"act": "drill"} if act == "drill" else restore("name", "none", into="main", act="stage", replace="main")
    asked = began(site, request)
    until(site.servers)
    during = site.done({"act": "list"})
    assert (during["leftovers"], during["running"].split(" (process ")[0]) == ([], called)
    site.host.inside(["kill", "-KILL", str(engine_pid(site))])
    asked.communicate()
    until(lambda: not site.servers())
    assert site.clusters() == [".hybrid-recovery"]
    after = site.done({"act": "list"})
    assert (after["leftovers"], after["running"]) == ([".hybrid-recovery"], None)
    assert site.host.answers()
    answer = site.ask({"act": "discard", "name": "none"})
    assert "removing .hybrid-recovery, which an earlier command left" in answer.stderr
    assert site.clusters() == []
    assert site.host.inside(["pgrep", "--full", "archive-get|restore"]).stdout == ""


def test_two_restores_at_once_are_one_too_many_and_an_interrupted_one_leaves_nothing(site: Site) -> None:
    asked = began(site, {"act": "drill"})
    until(site.servers)
    fault = site.ask(restore("latest")).fault
    assert "restore: drill (process " in fault
    assert "has been running since" in fault
    # It did not wait for the first to end.
    assert asked.poll() is None
    site.host.inside(["kill", "-TERM", str(engine_pid(site))])
    asked.communicate(timeout=LIMIT_SECONDS)
    # nsenter hands on the engine's own code.
    assert asked.returncode == 130
    assert (site.clusters(), site.servers()) == ([], [])


@pytest.fixture(scope="module")
def small(applied_tree: Tree, store: ObjectStore, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A host whose data is on a disk of its own, a small one."""
    folder = tmp_path_factory.mktemp("small-site")
    with running_site(applied_tree, folder, store, lambda host: host.move_data_to_disk_of(DISK_MB)) as made:
        yield made


def test_a_restore_that_does_not_fit_is_refused_with_both_numbers(small: Site) -> None:
    plan = small.done(restore("latest", act="plan"))
    assert plan["free_bytes"] < plan["needed_bytes"]
    assert f"{plan['free_bytes']:,} bytes are free, and {plan['needed_bytes']:,} are needed" in plan["faults"][0]
    drilled = small.done({"act": "drill"})
    assert (drilled["is_passed"], "are needed" in drilled["faults"][0]) == (False, True)


def test_a_disk_that_runs_full_meanwhile_leaves_main_alone(small: Site) -> None:
    free = small.done(restore("latest", act="plan"))["free_bytes"]
    filled = small.host.root / CLUSTERS / "../filled"
    small.host.inside(["dd", "if=/dev/zero", f"of={filled}", "bs=1M", f"count={free // 2**20 - 90}"])
    # As if the plan had still found room.
    room = "from host.recovery import plan; plan.room_faults = lambda *numbers: []; "
    answer = small.ask_with(room, restore("latest"))
    assert "no space is left" in answer.fault
    assert small.clusters() == []
    small.host.inside(["rm", str(filled)])
    assert small.row(1)["number"] == 1


@pytest.mark.parametrize(("at", "fault"), [("2100-01-01T00:00:00Z", "is in the future"), ("2020-01-01T00:00:00Z", "")])
def test_a_drill_of_a_moment_that_can_not_be_restored_does_not_begin(site: Site, at: str, fault: str) -> None:
    answer = site.ask({"act": "drill", "at": at})
    assert fault in answer.fault
    assert "drill 1 of 2" not in answer.stderr


def test_what_main_does_not_archive_is_said_not_to_be_in_a_copy(site: Site) -> None:
    plan = restore("latest", act="plan")
    assert site.done(plan)["note"] is None
    with settings(site.host, archive_command="false"):
        site.row(50)
        site.host.superuser("SELECT pg_switch_wal()")
        failed = "SELECT last_failed_time > last_archived_time FROM pg_stat_archiver"
        until(lambda: site.host.superuser(failed) == "t")
        note = site.done(plan)["note"]
    until(lambda: site.host.superuser(failed) == "f")
    said = re.fullmatch(r"main runs and does not archive: ([\d,]+) bytes and \d+ s of .* would not be in copy", note)
    assert said
    assert int(said[1].replace(",", "")) >= SEGMENT_BYTES


def test_rows_of_unlogged_tables_are_said_to_be_lost(site: Site) -> None:
    plan = restore("latest", into="main", act="plan", replace="main")
    assert site.done(plan)["loses"] is None
    site.host.superuser("CREATE UNLOGGED TABLE public.fleeting AS SELECT 1 AS row")
    assert site.done(plan)["loses"] == "the rows of unlogged tables (1 tables and indexes)"
    site.host.superuser("DROP TABLE public.fleeting")
