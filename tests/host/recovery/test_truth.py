"""What the list claims is so: what it calls restorable is restored exactly, and what is lost or damaged is a hole."""

import json
import re
import sys
from datetime import datetime
from typing import Any

import pytest

from local.host import namespace
from tests.commands import ran
from tests.host.recovery.site import ANSWER_SECONDS, CLUSTERS, Site, restore
from tests.host.recovery.test_crashed import STAGE, archived, kill, swapped_in, take_away
from tests.run.soak import draws, trials

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]
MOMENT = r"\d{4}-\d\d-\d\dT[\d:.]+Z"
NEAREST = re.compile(rf"the nearest that can be: ({MOMENT}) and ({MOMENT})")


def recovered(site: Site, moments: list[str]) -> list[list[int]]:
    spec = site.host.root.with_name("recovery.json")
    argv = [sys.executable, "-m", "tests.host.recovery.trials", str(spec), str(site.host.root)]
    requests = [restore("time", moment, act="plan") for moment in moments]
    answer = ran(namespace.enter(site.host.pid, argv), input=json.dumps(requests), timeout=ANSWER_SECONDS)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def at(row: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(row["at"])


def test_a_lost_tail_is_a_hole_and_what_is_around_it_is_restored_exactly(site: Site) -> None:
    kept = [site.row(number) for number in range(1, 7)]
    archived(site)
    lost = [site.row(number) for number in range(7, 10)]
    kill(site)
    # As if the host were gone, with all that it had not archived.
    take_away(site)
    accepted = int(site.ask(STAGE).fault.rpartition(" ")[2])
    swapped_in(site, site.done({**STAGE, "accepted_loss": accepted})["staged"])
    later = [site.row(number) for number in range(10, 14)]
    archived(site)
    listed = site.done({"act": "list"})
    (before, after), (hole,) = listed["windows"], listed["holes"]
    since, ended = datetime.fromisoformat(hole["from"]), datetime.fromisoformat(hole["until"])
    assert (before["until"], after["from"], after["is_live"]) == (hole["from"], hole["until"], True)
    assert hole["cause"].startswith("timeline 1 ended at timeline 2; nothing of it is archived after ")
    # The newest commit that is archived, and not the moment at which it was.
    assert at(kept[-2]) < since < at(kept[-1])
    assert all(since < at(row) < ended for row in lost)
    assert ended <= at(later[0])
    (fault,) = site.done(restore("time", lost[1]["at"], act="plan"))["faults"]
    nearest = NEAREST.search(fault)
    assert nearest
    assert nearest.groups() == (hole["from"], hole["until"])
    # The moment after a row, before the next one.
    chosen = draws(4).sample([*kept[2:-1], *later[:-1]], trials(3, 6))
    everything = [*kept, *later]
    found = recovered(site, [*(row["at"] for row in chosen), hole["from"], hole["until"]])
    assert found[:-2] == [[one["number"] for one in everything if at(one) <= at(row)] for row in chosen]
    assert found[-2] == [1, 2, 3, 4, 5, 6]
    assert found[-1] in ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6, 10])


def test_a_damaged_backup_stays_marked_and_nothing_begins_or_builds_on_it(site: Site) -> None:
    first = site.done({"act": "backup", "kind": "full"})["backup"]
    second = site.done({"act": "backup", "kind": "diff"})["backup"]
    file, content = site.misplace(second["label"])
    assert f"/{first['label']}/" in file.key
    assert not site.done({"act": "verify"})["is_sound"]
    # What is replaced in the store is not looked at again but by a verification.
    site.put(file.key, content)
    site.host.restart_postgres()
    listed = {one["label"]: one["damage"] for one in site.done({"act": "list"})["backups"]}
    assert listed[first["label"]].startswith("invalid checksum of ")
    assert listed[second["label"]] == f"builds on {first['label']}, which is damaged"
    plan = site.done(restore("latest", act="plan"))
    assert plan["backup"]["label"] not in (first["label"], second["label"])
    assert "or is damaged" in site.done(restore("latest", set=first["label"], act="plan"))["faults"][0]
    answer = site.ask({"act": "backup", "kind": "diff"})
    assert answer.body["backup"]["kind"] == "full"
    assert f"{first['label']}: is damaged, so a full backup is taken" in answer.stderr
    # The ones that are damaged keep no sound one from staying.
    labels = [one["label"] for one in site.done({"act": "list"})["backups"]]
    assert [label for label in labels if label.endswith("F")] == [labels[0], first["label"], labels[-1]]
    assert site.done({"act": "verify"})["is_sound"]
    assert {one["damage"] for one in site.done({"act": "list"})["backups"]} == {None}


@pytest.mark.soak
def test_damaged_log_is_a_hole_until_it_is_sound_again(site: Site) -> None:
    site.row(100)
    archived(site)
    last = site.done({"act": "list"})["archive"][-1]["last"]
    site.row(101)
    archived(site)
    (key,) = [one for one in site.objects("postgresql/archive/") if last in one]
    content = site.damage(key)
    site.done({"act": "verify"})
    site.put(key, content)
    (*_, hole) = site.done({"act": "list"})["holes"]
    assert hole["cause"].startswith(f"archive: {last} .. {last} is damaged")
    # All that comes before it, and not a fault of the log.
    assert recovered(site, [hole["from"]])[0][-1] < 100
    site.done({"act": "verify"})
    assert site.done({"act": "list"})["windows"][-1]["is_live"]


@pytest.mark.parametrize("blocks", [pytest.param([1], marks=pytest.mark.soak), [1, 3, 4, 5]])
def test_a_backup_that_meets_damaged_pages_fails_and_names_table_and_block(site: Site, blocks: list[int]) -> None:
    host = site.host
    host.superuser("DROP TABLE IF EXISTS public.hurt")
    host.superuser("CREATE TABLE public.hurt AS SELECT generate_series(1, 20000) AS row")
    path = host.superuser("SELECT pg_relation_filepath('public.hurt')")
    host.stop_postgres()
    for block in blocks:
        place = [f"of={host.root}/{CLUSTERS}/main/{path}", f"seek={block * 8192 + 4000}", "bs=1", "count=64"]
        assert host.inside(["dd", "if=/dev/urandom", *place, "conv=notrunc"]).returncode == 0
    host.start_postgres()
    before = [one["label"] for one in site.done({"act": "list"})["backups"] if not one["error"]]
    fault = site.ask({"act": "backup", "kind": "full"}).fault.splitlines()[0]
    assert fault.startswith("database clinic: table public.hurt (")
    assert fault.endswith(f"{path}): wrong checksum in block {', '.join(map(str, blocks))}")
    listed = site.done({"act": "list"})
    assert [one["label"] for one in listed["backups"] if not one["error"]] == before
    host.superuser("DROP TABLE public.hurt; CHECKPOINT")
    assert site.done({"act": "backup", "kind": "diff"})["backup"]["error"] is False
