"""A drill restores for real, into clusters that run no job and reach nobody."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.host.recovery.site import Site

pytestmark = pytest.mark.slow

CHECKS = ["markers", "extensions", "amcheck", "network isolation", "last WAL", "jobs are off", "checksums"]


@pytest.fixture(scope="module")
def evidence(site: Site) -> Iterator[dict[str, Any]]:
    """Evidence of a drill on a host whose job writes a row each second, as a role that may."""
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
    assert point["markers"]["expected"] == point["markers"]["found"] > 0
    assert point["last_commit_at"] <= point["target"]
    assert evidence["windows"][0]["from"] <= point["target"]


def test_what_would_be_lost_is_measured(evidence: dict[str, Any]) -> None:
    latest, _ = evidence["restores"]
    assert latest["markers"]["expected"] > 0
    assert evidence["recovery_point_seconds"] == latest["recovery_point_seconds"]
    assert 0 <= latest["recovery_point_seconds"] <= evidence["targets"]["recovery_point_seconds"]
    assert evidence["recovery_time_seconds"] == max(leg["seconds"]["total"] for leg in evidence["restores"])


def test_a_drill_leaves_nothing_behind(site: Site, evidence: dict[str, Any]) -> None:
    assert (site.clusters(), site.servers()) == ([], [])


def test_the_point_of_an_earlier_drill_is_restored_again(site: Site, evidence: dict[str, Any]) -> None:
    target = evidence["restores"][1]["target"]
    found = site.done({"act": "drill", "at": target})
    assert found["faults"] == []
    assert found["restores"][1]["target"] == target
    assert found["restores"][1]["markers"]["expected"] == evidence["restores"][1]["markers"]["expected"]


def test_a_copy_that_is_none_fails_each_check(site: Site, evidence: dict[str, Any]) -> None:
    """It reaches the host, its jobs start, an extension is of another version, and a page is damaged."""
    program = (
        "from host.recovery import checks, recovering; from host.recovery.machine import Machine; "
        "real, quiet, heaps = Machine.command, recovering.quiet, checks.amcheck; "
        "Machine.command = lambda self, argv, confinement=None: real(self, argv); "
        "recovering.quiet = lambda *found: quiet(*found) | {'cron.launch_active_jobs': 'on'}; "
        "extensions = checks.extensions; "
        "checks.extensions = lambda source, copy, is_latest: extensions("
        "source, lambda query: [[name, '0'] for name, _ in copy(query)], is_latest=is_latest); "
        "path = lambda server: server.work.inside('data') / "
        "server.psql(\"SELECT pg_relation_filepath('pg_catalog.pg_description')\")[0][0]; "
        "half = lambda held: held[:9000] + b'damaged!' * 8 + held[9064:]; "
        "damage = lambda file: file.write_bytes(half(file.read_bytes())); "
        "checks.amcheck = lambda server: (damage(path(server)), heaps(server))[1]; "
    )
    found = site.ask_with(program, {"act": "drill"}).body
    missed = {check["name"]: check["detail"] for check in found["restores"][0]["checks"] if not check["is_passed"]}
    # Its jobs may have written a marker since.
    assert {*missed} - {"markers"} == {"amcheck", "checksums", "extensions", "jobs are off", "network isolation"}
    assert "pg_description" in missed["amcheck"]
    assert "in the host's own network; " in missed["network isolation"]
    assert "/run/postgresql:" in missed["network isolation"]
    assert missed["network isolation"].count("answers 0 inside and 0 outside") == 2
    assert "launching is on" in missed["jobs are off"]
    assert found["is_passed"] is False


def test_a_socket_that_is_left_open_and_a_missing_marker_fail_the_drill(site: Site, evidence: dict[str, Any]) -> None:
    # Later than the copy can know: the source has a row that no log brings.
    program = (
        "import datetime; from host.recovery import checks, machine; machine.HIDDEN = (); real = checks.read_markers; "
        "checks.read_markers = lambda ask: real(ask)[1:] if 'Server' in repr(ask) else real(ask); "
    )
    found = site.ask_with(program, {"act": "drill", "seed": 7}).body
    assert not found["is_passed"]
    assert any(fault.startswith("latest: markers: ") for fault in found["faults"])
    (check,) = [check for check in found["restores"][0]["checks"] if check["name"] == "network isolation"]
    assert not check["is_passed"]
    assert "127.0.0.1:" in check["detail"]
    assert f"/run/postgresql:{site.host.spec['postgres']['port']} answers 0 inside" in check["detail"]


@pytest.mark.parametrize("kind", ["bundle", "archive"])
def test_a_drill_names_a_damaged_file(site: Site, evidence: dict[str, Any], kind: str) -> None:
    newest = site.done({"act": "list"})["backups"][-1]
    if kind == "bundle":
        # The database's file, and the backup; which file is hit decides whether pgBackRest can name it.
        damaged, content = site.misplace(newest["label"])
        key, named = damaged.key, f"{newest['label']}: restore: {damaged.name}: is damaged in the repository"
    else:
        listed = site.objects("postgresql/archive/")
        key = next(one for one in listed if newest["wal_start"] in one and ".zst" in one)
        content, named = site.damage(key), f"{newest['wal_start']}: is damaged in the archive"
    try:
        found = site.done({"act": "drill"})
    finally:
        site.put(key, content)
    (fault,) = found["faults"]
    assert named in fault
    assert (found["is_passed"], [leg["kind"] for leg in found["restores"]]) == (False, ["latest"])
    assert found["restores"][0]["markers"] is None
    assert (site.clusters(), site.servers()) == ([], [])
