"""A drill restores for real, into clusters that run no job and reach nobody."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.recovery.site import Site

pytestmark = pytest.mark.slow

CHECKS = ["markers", "extensions", "amcheck", "no way out", "last WAL", "jobs are off", "checksums"]


@pytest.fixture(scope="module")
def evidence(site: Site) -> Iterator[dict[str, Any]]:
    """Of a host with a job that writes a row each second, of a role that may."""
    site.host.superuser(
        "CREATE TABLE public.ticks (at timestamptz DEFAULT clock_timestamp()); GRANT INSERT ON public.ticks TO app;"
        "INSERT INTO cron.job (schedule, command, nodename, nodeport, database, username, jobname)"
        " VALUES ('1 seconds', 'INSERT INTO public.ticks DEFAULT VALUES', '', 0, 'clinic', 'app', 'ticks')"
    )
    yield site.done({"act": "drill", "seed": 7})
    site.host.superuser("DELETE FROM cron.job WHERE jobname = 'ticks'; DROP TABLE public.ticks")


def test_a_drill_passes_with_every_check(evidence: dict[str, Any]) -> None:
    assert evidence["faults"] == []
    assert evidence["is_passed"]
    assert [leg["kind"] for leg in evidence["restores"]] == ["latest", "point"]
    for leg in evidence["restores"]:
        assert [check["name"] for check in leg["checks"]] == CHECKS


def test_jobs_of_the_source_do_not_run_in_the_copies(site: Site, evidence: dict[str, Any]) -> None:
    assert int(site.host.superuser("SELECT count(*) FROM public.ticks")) > 1
    for leg in evidence["restores"]:
        (check,) = [check for check in leg["checks"] if check["name"] == "jobs are off"]
        assert "launching is off, 0 runs" in check["detail"]


def test_the_point_has_each_marker_before_it_and_none_after(evidence: dict[str, Any]) -> None:
    _, point = evidence["restores"]
    assert point["markers"]["expected"] == point["markers"]["found"]
    assert point["last_commit_at"] <= point["target"]
    assert evidence["window"]["from"] <= point["target"]


def test_what_would_be_lost_is_measured(evidence: dict[str, Any]) -> None:
    latest, _ = evidence["restores"]
    assert evidence["recovery_point_seconds"] == latest["recovery_point_seconds"]
    assert 0 <= latest["recovery_point_seconds"] <= evidence["targets"]["recovery_point_seconds"]
    assert evidence["recovery_time_seconds"] == max(leg["seconds"]["total"] for leg in evidence["restores"])


def test_a_drill_leaves_nothing_behind(site: Site, evidence: dict[str, Any]) -> None:
    assert (site.clusters(), site.servers()) == ([], [])


def test_a_missing_marker_fails_the_drill(site: Site, evidence: dict[str, Any]) -> None:
    # Later than the copy can know: the source has a row that no log brings.
    program = (
        "import datetime; from host.recovery import markers; real = markers.read; "
        "markers.read = lambda ask: real(ask)[1:] if 'Server' in repr(ask) else real(ask); "
    )
    found = site.ask_with(program, {"act": "drill", "seed": 7}).body
    assert not found["is_passed"]
    assert any(fault.startswith("latest: markers: ") for fault in found["faults"])


@pytest.mark.parametrize("kind", ["bundle", "archive"])
def test_a_drill_names_a_damaged_file(site: Site, evidence: dict[str, Any], kind: str) -> None:
    newest = site.done({"act": "list"})["backups"][-1]
    wanted = "/bundle/" if kind == "bundle" else newest["wal_start"]
    keys = [key for key in site.objects("postgresql/") if wanted in key and "history" not in key]
    key = next(one for one in keys if (newest["label"] in one if kind == "bundle" else ".zst" in one))
    content = site.damage(key)
    try:
        fault = site.ask({"act": "drill"}).fault
    finally:
        site.put(key, content)
    assert "is damaged in the " in fault
    assert kind == "bundle" or newest["wal_start"] in fault
    assert (site.clusters(), site.servers()) == ([], [])
