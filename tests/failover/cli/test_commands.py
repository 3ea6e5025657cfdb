"""`failover` as on-call meets it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from failover.common.ids import Side
from tests.failover.command_line import ROOT, Answer, ProcessAnswer, environment, flags
from tests.failover.world import HOST, SCRIPT, STANDBY_NAME, TOKENS, World

# Counted: 334, of which typer and rich are the most.
MODULES_OF_HELP = 400


def test_rollback_plans_until_told_to_execute(world: World, tmp_path: Path) -> None:
    plan = Answer("rollback", *flags(world), folder=tmp_path)
    assert (plan.code, world.script()) == (0, SCRIPT)
    assert f"change  route {HOST}/*: script {SCRIPT} → none" in plan.out
    assert "nothing was changed; do it with: rollback --execute" in plan.err
    done = ProcessAnswer("rollback", "--execute", *flags(world), folder=tmp_path)
    assert (done.code, world.script()) == (0, None)
    assert "vercel answers, seen from outside after" in done.out
    assert "set in Pulumi.dev.yaml, under config, and commit:   hybrid:failoverActive: vercel" in done.out
    again = Answer("rollback", "--execute", *flags(world), folder=tmp_path)
    assert again.code == 0
    assert "nothing to change, vercel answers already" in again.out
    assert "hybrid:failoverActive: vercel" in again.out


@pytest.mark.parametrize(("via", "line"), [("route", "vercel"), ("dns", "vercel-dns")])
def test_the_setting_tells_the_plans_apart(world: World, tmp_path: Path, via: str, line: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: trial\n")
    settings = tmp_path / "Pulumi.local.yaml"
    settings.write_text("config:\n  hybrid:failoverActive: worker\n")
    Answer("rollback", "--execute", "--via", via, *flags(world), folder=tmp_path)
    assert settings.read_text() == f"config:\n  hybrid:failoverActive: {line}\n"
    # A checkout that was not there the first time.
    settings.write_text("config:\n  hybrid:failoverActive: worker\n")
    Answer("rollback", "--execute", *flags(world), folder=tmp_path)
    assert settings.read_text() == f"config:\n  hybrid:failoverActive: {line}\n"
    ProcessAnswer("restore", "--execute", *flags(world), folder=tmp_path)
    assert settings.read_text() == "config:\n  hybrid:failoverActive: worker\n"


def test_in_a_checkout_the_setting_is_changed_and_its_comments_stay(world: World, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: trial\n")
    settings = tmp_path / "Pulumi.local.yaml"
    settings.write_text("config:\n  # Who answers.\n  hybrid:failoverActive: worker  # for now\n  hybrid:x: 1\n")
    inside = tmp_path / "deep"
    inside.mkdir()
    done = Answer("rollback", "--execute", "--json", *flags(world), folder=inside)
    assert done.code == 0
    assert settings.read_text() == (
        "config:\n  # Who answers.\n  hybrid:failoverActive: vercel  # for now\n  hybrid:x: 1\n"
    )
    assert "set, commit it" in json.loads(done.out)["setting"]


def test_a_plan_with_a_refusal_exits_with_1_and_names_all(world: World) -> None:
    world.outside.standby_status, world.outside.worker_build = 503, "b2"
    world.leave_lock("00c0ffee")
    plan = ProcessAnswer("plan", *flags(world))
    assert plan.code == 1
    assert plan.out.count("refused (") == 2
    assert "refused (stand-by)" in plan.out
    assert "refused (lock)" in plan.out


def test_status_tells_all_in_less_than_three_seconds_of_processor_time(world: World) -> None:
    found = ProcessAnswer("status", "--json", *flags(world))
    assert found.seconds < 3
    document = json.loads(found.out)
    (host,) = document["hosts"]
    assert (host["active"], host["parity"], found.code) == ("worker", True, 0)
    assert host["clients"][0]["answered_by"] == Side.WORKER
    assert document["keep_until"] == "2027-01-31"
    assert document["token"].startswith("active")
    assert "no drill has been made here yet" in document["warnings"]


def test_status_exits_with_1_where_a_rollback_would_be_refused(world: World) -> None:
    world.outside.standby_status = 500
    found = Answer("status", *flags(world))
    assert found.code == 1
    assert "fault: stand-by: app.example.test: the stand-by does not answer as it should" in found.out


def test_by_hand_needs_nobody_and_never_shows_the_token(world: World) -> None:
    world.faults({"kind": "status", "status": 503})
    plan = Answer("plan", "--by-hand", *flags(world), token=None)
    assert plan.code == 0
    route, record = world.ids.hosts[0].route, world.ids.hosts[0].record
    assert route
    assert '-X PUT -H "Authorization: Bearer $HYBRID_ROLLBACK_TOKEN"' in plan.out
    assert f"/workers/routes/{route.id} --data '" + json.dumps({"pattern": route.pattern, "script": None}) in plan.out
    assert f"/dns_records/{record.id}" in plan.out
    assert "Workers Routes > app.example.test/* > Edit > Worker: None > Save" in plan.out


@pytest.mark.parametrize("wish", ["rollback", "restore"])
def test_the_commands_by_hand_do_the_same(world: World, wish: str) -> None:
    if wish == "restore":
        world.act()
    lines = Answer("plan", wish, "--by-hand", *flags(world)).out.splitlines()
    curl = next(line for line in lines if "/workers/routes/" in line)
    environment = {**os.environ, "HYBRID_ROLLBACK_TOKEN": TOKENS["rollback"][0]}
    subprocess.run(["sh", "-c", curl], env=environment, capture_output=True, check=True, timeout=20)
    assert world.script() == (None if wish == "rollback" else SCRIPT)


def test_export_has_every_record_and_the_standby_in_place_of_pages(world: World) -> None:
    from tests.failover.world import ZONE

    for row in (
        {"type": "MX", "name": "example.test", "content": "mail.example.test", "priority": 10, "ttl": 3600},
        {"type": "TXT", "name": "example.test", "content": "v=spf1 -all", "ttl": 1},
        {"type": "CNAME", "name": "db.example.test", "content": "x.cfargotunnel.com", "proxied": True, "ttl": 1},
    ):
        world.ask("POST", f"/zones/{ZONE}/dns_records", row)
    zone = ProcessAnswer("export", *flags(world))
    assert f"{HOST}. 300 IN CNAME {STANDBY_NAME}.\n" in zone.out
    assert "example.test. 3600 IN MX 10 mail.example.test.\n" in zone.out
    assert 'example.test. 300 IN TXT "v=spf1 -all"\n' in zone.out
    assert "db.example.test: x.cfargotunnel.com works behind Cloudflare only; left out" in zone.err
    batch = json.loads(Answer("export", "--format", "route53", *flags(world)).out)
    sets = {(row["ResourceRecordSet"]["Name"], row["ResourceRecordSet"]["Type"]) for row in batch["Changes"]}
    assert sets == {(f"{HOST}.", "CNAME"), ("example.test.", "MX"), ("example.test.", "TXT")}


def test_resolve_mends_stale_ids(world: World) -> None:
    before = world.ids
    world.change_ids(route={"id": "c" * 32}, record={"id": "d" * 32})
    done = ProcessAnswer("resolve", *flags(world))
    assert done.err.endswith("failover.json: changed\n")
    assert world.ids.hosts == before.hosts
    assert Answer("resolve", *flags(world)).err.endswith("failover.json: as before\n")


def test_resolve_makes_the_file_the_first_time(world: World) -> None:
    from failover.cloudflare.resolve import Wanted, new_ids, resolved

    new = new_ids(stack="dev", zone="example.test", zone_id="", account="")
    found = resolved(replace(new, api=world.api), [Wanted(hostname=HOST)], TOKENS["rollback"][0])
    assert found.hosts == world.ids.hosts
    assert (found.zone_id, found.account) == (world.ids.zone_id, world.ids.account)


def test_resolve_keeps_what_is_declared_while_it_is_rolled_back(world: World) -> None:
    from failover.operation.changes import Via

    before = world.ids
    world.act()
    world.act(via=Via.DNS)
    assert Answer("resolve", *flags(world)).code == 0
    assert world.ids.hosts == before.hosts


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is not there"),
        ("{", "is not JSON"),
        ("[]", "ids.json: is not a JSON object\n"),
        ('{"format": 2}', "has format 2, this version reads 1"),
    ],
)
def test_a_file_of_ids_that_can_not_be_is_one_line(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "ids.json"
    if text is not None:
        path.write_text(text)
    answer = Answer("rollback", "--execute", "--ids", str(path))
    assert (answer.code, answer.out, answer.err.count("\n")) == (1, "", 1)
    assert words in answer.err


def test_every_fault_of_the_file_is_told_at_once(world: World) -> None:
    path = world.folder / "failover.json"
    document = json.loads(path.read_text())
    del document["zone"]["id"], document["hosts"][0]["record"]["name"]
    document["api"] = "http://api.example.test/client/v4"
    path.write_text(json.dumps(document))
    answer = Answer("status", *flags(world))
    assert answer.code == 1
    faults = {line.split(": ")[2] for line in answer.err.splitlines()}
    assert faults == {"zone.id", "api", "hosts[0].record.name"}


@pytest.mark.parametrize(
    ("part", "key", "value", "words"),
    [
        (
            "route",
            "id",
            "../../x",
            "hosts[0].route.id: '../../x' is not valid; allowed: letters, digits, - and _, 64 at most",
        ),
        (
            "standby",
            "hostname",
            "A b",
            "hosts[0].standby.hostname: 'A b' is not valid; allowed: a host name in small letters",
        ),
    ],
)
def test_a_value_that_can_not_be_is_told_with_what_is_allowed(
    world: World, part: str, key: str, value: str, words: str
) -> None:
    world.change_ids(**{part: {key: value}})
    answer = Answer("status", *flags(world))
    assert (answer.code, answer.err) == (1, f"failover: {world.folder / 'failover.json'}: {words}\n")


def test_an_unknown_host_names_those_that_are_known(world: World) -> None:
    answer = Answer("plan", "--host", "www.example.test", *flags(world))
    assert answer.err == f"failover: www.example.test: is not in the file of ids; there are: {HOST}\n"


def test_the_token_comes_from_a_file_that_only_its_owner_reads(world: World, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKENS["rollback"][0] + "\n")
    path.chmod(0o644)
    words = ["plan", *flags(world), "--token-file", str(path)]
    refused = Answer(*words, token=None)
    assert refused.err == f"failover: {path}: others may read the token (mode 0644); `chmod 600` it\n"
    path.chmod(0o600)
    assert Answer(*words, token=None).code == 0
    assert Answer("plan", *flags(world), token=None).err.startswith("failover: no token: set HYBRID_ROLLBACK_TOKEN")


def test_help_loads_little_and_nothing_that_asks_anybody() -> None:
    """What it takes is what it loads; the seconds are in bench/."""
    command = [sys.executable, "-P", "-X", "importtime", "-m", "failover", "--help"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=True)
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time:")}
    assert "failover.cli.commands" in loaded
    assert not loaded & {
        "cloudflare",
        "httpx",
        "httpcore",
        "dns",
        "cryptography",
        "pydantic",
        "ssl",
        "failover.operation.operation",
    }
    assert len(loaded) < MODULES_OF_HELP


def test_the_package_imports_nothing_of_ours_but_itself() -> None:
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists() or path.name == "plan"} - {
        "failover"
    }
    for path in (ROOT / "failover").rglob("*.py"):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:1] in (["from"], ["import"]):
                assert words[1].partition(".")[0] not in ours, f"{path.name}: {line}"
