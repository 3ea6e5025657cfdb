"""`failover` as on-call meets it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from failover.common.terms import Side
from tests.failover.command_line import ROOT, Answer, ProcessAnswer, environment, flags
from tests.failover.world import HOST, SCRIPT, TOKENS, World

# Counted: 197 besides Python's own, of which rich and what it imports are the most.
MODULES_OF_HELP = 250


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


def test_the_token_comes_from_a_file_that_only_its_owner_reads(world: World, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKENS["rollback"][0] + "\n")
    path.chmod(0o644)
    arguments = ["plan", *flags(world), "--token-file", str(path)]
    refused = Answer(*arguments, token=None)
    assert refused.err == f"failover: {path}: others may read the token (mode 0644); `chmod 600` it\n"
    path.chmod(0o600)
    assert Answer(*arguments, token=None).code == 0
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
    # `--cov` measures this process, too, by modules of its own.
    besides = {name for name in loaded if name.partition(".")[0] not in {*sys.stdlib_module_names, "coverage"}}
    assert len(besides) < MODULES_OF_HELP


def test_the_package_imports_nothing_of_ours_but_what_the_wheel_brings() -> None:
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} - {"failover", "durable"}
    for path in (ROOT / "failover").rglob("*.py"):
        for line in path.read_text().splitlines():
            parts = line.split()
            if parts[:1] in (["from"], ["import"]):
                assert parts[1].partition(".")[0] not in ours, f"{path.name}: {line}"
