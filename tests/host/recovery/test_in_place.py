"""A restored cluster takes the place of the one that serves, and gives it back."""

from typing import Any

import pytest

from tests.host.recovery.site import CLUSTERS, Site, restore
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]

SETTINGS = f"{CLUSTERS}/main/postgresql.auto.conf"
SET = "work_mem = '5MB'\n"


def stop(site: Site) -> None:
    site.host.signal_postgres("INT")
    until(lambda: not site.host.is_postgres_alive())


def rows(site: Site) -> str:
    return site.host.superuser("SELECT array_agg(row ORDER BY row) FROM public.trial")


def staged(site: Site, *target: str) -> str:
    name: str = site.done(restore(*target, into="main", act="stage", replace="main"))["staged"]
    return name


@pytest.fixture(scope="module")
def restored(site: Site) -> dict[str, Any]:
    """Main at row 2 of 3, after an exchange; where the old one is."""
    site.row(1)
    database = f'ALTER DATABASE "{site.host.spec["postgres"]["database"]}"'
    # As of a host that gave way, and came back: main serves by the time of the restore.
    site.host.superuser(f"{database} SET hybrid.serving = 'ended'")
    second = site.row(2)
    site.host.superuser(f"{database} RESET hybrid.serving")
    third = site.row(3)
    # As ALTER SYSTEM leaves it.
    site.host.inside(["sh", "-c", f'printf "{SET}" >{site.host.root / SETTINGS}'])
    name = staged(site, "time", second["at"])
    assert rows(site) == "{1,2,3}"
    assert "PostgreSQL runs" in site.ask({"act": "swap", "staged": name}).fault
    stop(site)
    kept = site.done({"act": "swap", "staged": name})["kept"]
    site.host.start_postgres()
    return {"kept": kept, "second": second, "third": third}


def test_main_is_at_the_target_and_the_old_one_is_kept(site: Site, restored: dict[str, Any]) -> None:
    assert rows(site) == "{1,2}"
    (kept,) = site.done({"act": "list"})["restored"]
    assert (kept["name"], kept["kind"], kept["state"]) == (restored["kept"], "kept", "stopped")
    assert site.host.superuser("SHOW work_mem") == "5MB"
    assert site.host.apply("files")["changed"] == []


def test_main_has_no_demotion_mark_of_the_moment(site: Site, restored: dict[str, Any]) -> None:
    assert site.host.superuser("SELECT setconfig FROM pg_db_role_setting WHERE setconfig::text LIKE '%serving%'") == ""


def test_the_new_timeline_is_archived_and_restored_along(site: Site, restored: dict[str, Any]) -> None:
    site.row(4)
    found = site.done(restore("latest", into="later"))
    assert found["recovered"]["timeline"] > 2
    assert site.copy("SELECT array_agg(row ORDER BY row) FROM public.trial", found["cluster"]) == "{1,2,4}"
    site.done({"act": "discard", "name": "later"})
    assert [part["timeline"] for part in site.done({"act": "list"})["archive"]] == [1, 2]
    assert site.done({"act": "backup"})["backup"]["timeline"] == 2


def test_what_was_given_up_needs_its_timeline(site: Site, restored: dict[str, Any]) -> None:
    at = restored["third"]["at"]
    (fault,) = site.done(restore("time", at, act="plan"))["faults"]
    assert "name the timeline, 1 for what was given up" in fault
    found = site.done(restore("xid", restored["third"]["xid"], into="given-up", timeline=1))
    assert site.copy("SELECT array_agg(row ORDER BY row) FROM public.trial", found["cluster"]) == "{1,2,3}"
    site.done({"act": "discard", "name": "given-up"})


def test_latest_loses_no_acknowledged_row(site: Site, restored: dict[str, Any]) -> None:
    request = restore("latest", into="main", act="stage", replace="main")
    assert "would be lost; stop it first" in site.ask(request).fault
    site.row(5)
    stop(site)
    name = site.done(request)["staged"]
    site.done({"act": "swap", "staged": name})
    site.host.start_postgres()
    assert rows(site) == "{1,2,4,5}"


def test_the_old_one_can_be_had_back(site: Site, restored: dict[str, Any]) -> None:
    assert "PostgreSQL runs" in site.ask({"act": "unswap", "kept": restored["kept"]}).fault
    stop(site)
    undone = site.done({"act": "unswap", "kept": restored["kept"]})["kept"]
    site.host.start_postgres()
    assert rows(site) == "{1,2,3}"
    assert site.host.superuser("SHOW work_mem") == "5MB"
    assert site.host.inside(["cat", str(site.host.root / SETTINGS)]).stdout == SET
    # It goes on from where the first timeline was left, on one above all that are archived, and so does latest.
    site.row(6)
    site.done({"act": "backup", "kind": "incr"})
    site.row(7)
    found = site.done(restore("latest", into="back"))
    assert (found["plan"]["timeline"], found["plan"]["backup"]["timeline"]) == (4, 4)
    assert "timeline 4 is followed; timeline 2 has " in found["plan"]["note"]
    assert site.copy("SELECT array_agg(row ORDER BY row) FROM public.trial", found["cluster"]) == "{1,2,3,6,7}"
    assert site.done({"act": "verify"})["is_sound"]
    site.done({"act": "discard", "name": "back"})
    assert site.done({"act": "discard", "name": undone})["freed_bytes"] > 10 * 2**20
    assert "is not a restored or kept cluster" in site.ask({"act": "discard", "name": "main"}).fault


def test_another_staging_takes_away_what_nobody_swapped_in(site: Site, restored: dict[str, Any]) -> None:
    name = staged(site, "xid", site.row(8)["xid"])
    assert name in site.clusters()
    again = staged(site, "xid", site.row(9)["xid"])
    assert name != again
    assert [one for one in site.clusters() if "staged" in one] == [again]
    assert "is not there" in site.ask({"act": "swap", "staged": "main.staged-20200101-000000"}).fault
    assert site.done({"act": "discard", "name": again})["freed_bytes"] > 10 * 2**20


def test_a_repository_made_anew_leads_to_the_timeline_that_serves(site: Site, restored: dict[str, Any]) -> None:
    for key in site.objects(""):
        site.client().delete_object(Bucket=site.bucket, Key=key)
    site.host.pgbackrest("stanza-create")
    site.done({"act": "backup", "kind": "full"})
    assert site.done({"act": "verify"})["is_sound"]
    planned = site.done(restore("latest", into="anew", act="plan"))
    assert (planned["faults"], planned["timeline"] > 1) == ([], True)
    assert [key for key in site.objects("") if f"{planned['timeline']:08X}.history" in key]
