"""The commands as an operator meets them: help, wrong flags, one line for each fault, data on stdout."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from scripts.__main__ import app
from tests.commands import ROOT, answered, hybrid, ran

DATABASE = ["status", "top", "psql", "migrate"]
BACKUP = ["now", "list", "verify"]
FAILOVER = ["status", "plan", "rollback", "restore", "drill", "resolve", "export"]
IN_TABLES = {"backup": BACKUP, "db": DATABASE, "failover": FAILOVER}
TO_LATEST = ["restore", "--to", "latest", "--into", "side"]
RECOVERY = [*(["backup", name] for name in BACKUP), ["drill"], TO_LATEST, ["restore", "--discard", "side"]]


def every_command(group: Any, *arguments: str) -> Iterator[list[str]]:
    for name, command in getattr(group, "commands", {}).items():
        yield [*arguments, name]
        yield from every_command(command, *arguments, name)


EVERY_COMMAND = [*every_command(typer.main.get_command(app))]


@pytest.mark.parametrize("arguments", [[], *EVERY_COMMAND])
def test_every_command_explains_itself(arguments: list[str]) -> None:
    answer = (answered if arguments else hybrid)(*arguments, "--help")
    assert answer.code == 0
    assert "Usage: ./hybrid" in answer.out
    assert answered(*arguments, "-h").out == answer.out


# What commands have in common, and what `make` runs.
NO_COMMANDS = {"__init__", "__main__", "debian_packages", "machine", "options", "output", "versions"}


def test_every_script_is_a_command_and_says_so() -> None:
    known = {arguments[0] for arguments in EVERY_COMMAND}
    scripts = {path.stem: path.read_text() for path in sorted((ROOT / "scripts").glob("*.py"))}
    assert {*scripts} > NO_COMMANDS
    missing = []
    for name in {*scripts} - NO_COMMANDS:
        command = name.replace("_", "-")
        if not scripts[name].startswith(f'"""`./hybrid {command}`: '):
            missing.append(f"scripts/{name}.py: begin its docstring with `./hybrid {command}`: and what it is for")
        if command not in known:
            missing.append(f'scripts/__main__.py: add app.command("{command}")({name}.{name})')
    assert not missing, "\n".join([*sorted(missing), "what is no command: NO_COMMANDS of tests/test_commands.py"])


def test_every_command_has_a_test() -> None:
    """By its words as arguments of what runs commands; what is above takes all commands."""
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    assert len(EVERY_COMMAND) >= 30
    missing = [
        f"tests/test_commands.py: add a test with hybrid({_words(arguments)})"
        for arguments in EVERY_COMMAND
        if arguments[-1] not in IN_TABLES.get(arguments[0], ()) and not re.search(_as_it_is_run(arguments), tests)
    ]
    assert not missing, "\n".join(missing)


def _words(arguments: list[str]) -> str:
    return ", ".join(f'"{word}"' for word in arguments)


def _as_it_is_run(arguments: list[str]) -> str:
    """`hybrid("local", "up"`; the last alone where `StackUnderTest.run` puts the group before it."""
    called = rf"\b(hybrid|answered|told)\(\s*{_words(arguments)}"
    return rf'{called}|\bstack\.run\(\s*"{arguments[-1]}"' if arguments[0] == "local" else called


def test_the_page_of_commands_is_what_they_say() -> None:
    program = [str(ROOT / ".venv/bin/typer"), "scripts.__main__", "utils", "docs", "--name", "./hybrid"]
    title = re.search(r'--title "(.*)"', (ROOT / "Makefile").read_text())
    assert title
    written = ran([*program, "--title", title[1]], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True).stdout
    assert (ROOT / "docs/commands.md").read_text().strip() == written.strip(), "write it again: make pages"


@pytest.mark.parametrize(
    "arguments",
    [
        ["preview"],
        ["preview", "dev", "--jsn"],
        ["gate"],
        ["gate", "dev", "--format", "xml"],
        ["locl"],
        ["db", "top", "--by", "size"],
        ["db", "top", "-n", "0"],
        ["db", "status", "--route", "ssm"],
        ["db", "status", "dev"],
        ["backup", "now", "--type", "half"],
        ["backup", "list", "--as-of", "soon"],
        ["backup", "list", "--from", "tape"],
        ["backup", "list", "--svg", "window.png"],
        ["graph", "dev", "--format", "svg", "--output", "topology.png"],
        ["residency", "dev", "--format", "svg", "--output", "map.pdf"],
        ["restore"],
        ["restore", "--to", "latest"],
        ["restore", "--to", "yesterday", "--into", "side"],
        ["restore", "--to", "latest", "--into", "../etc"],
        ["restore", "--to", "latest", "--into", "main", "--replace", "side"],
        ["restore", "--to", "latest", "--into", "side", "--discard", "side"],
        ["restore", "--discard", "main"],
        ["restore", "--open", "main"],
        ["restore", "--open", "side", "--close", "side"],
        ["drill", "--seed", "x"],
        ["drill", "--seed", "7", "--at", "2026-11-21T10:00:00Z"],
        ["failover", "rollback", "--via", "fax"],
        ["failover", "rollback", "--execute", "--budget", "1"],
        ["failover", "rollback", "--execute", "--force", " "],
        ["failover", "plan", "backwards"],
        ["failover", "drill", "--count", "0"],
        ["failover", "resolve", "--zone", "example.test", "--ids", "new.json"],
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str]) -> None:
    answer = answered(*arguments)
    assert answer.code == 2
    assert not answer.out
    assert "Traceback" not in answer.err
    assert "Value error" not in answer.err


@pytest.mark.parametrize("command", DATABASE)
def test_the_route_is_still_taken_by_its_old_name(command: str) -> None:
    (new, old) = (answered("db", command, name, "ssm") for name in ("--route", "--way"))
    assert "--route: is for a stack in the cloud" in new.err
    assert (old.code, old.err) == (new.code, new.err)
    shown = answered("db", command, "--help").out
    assert "--route" in shown
    assert "--way" not in shown


def test_preview_shows_resources_and_masks_secrets() -> None:
    answer = hybrid("preview", "dev")
    assert answer.code == 0
    assert "hyperdrive-regulated  cloudflare:index/hyperdriveConfig:HyperdriveConfig" in answer.out
    assert "password: [secret]" in answer.out
    assert "postgres-a-instance  aws:lightsail/instance:Instance  protected" in answer.out


def test_preview_json_is_repeatable_and_compares_with_itself(tmp_path: Path) -> None:
    first, second = hybrid("preview", "dev", "--json"), hybrid("preview", "dev", "--json")
    assert first.out == second.out
    saved = tmp_path / "dev.json"
    saved.write_text(first.out)
    answer = hybrid("preview", "dev", "--diff", str(saved))
    assert answer.out.strip() == "0 added, 0 changed, 0 replaced, 0 removed"
    other = json.loads(hybrid("preview", "prod", "--diff", str(saved), "--json").out)
    assert {change["kind"] for change in other} == {"added", "changed", "removed"}


@pytest.mark.parametrize("command", ["preview", "gate"])
def test_an_unknown_stack_is_one_line_and_exit_1(command: str) -> None:
    answer = hybrid(command, "stage")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "hybrid: stage: is not a stack of this project (no Pulumi.stage.yaml). Known: dev, prod\n"


def test_gate_passes_both_stacks() -> None:
    answer = hybrid("gate", "dev", "prod")
    assert answer.code == 0
    assert [line.partition(" (")[0] for line in answer.out.splitlines()] == ["dev: passed", "prod: passed"]
    shown = re.search(r"\d+ resources", hybrid("preview", "dev").out)
    assert shown
    assert shown[0] in answer.out


def test_gate_writes_json_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    answer = hybrid("gate", "dev", "--format", "json", "--output", str(path))
    assert (answer.code, answer.out) == (0, "")
    (verdict,) = json.loads(path.read_text())["stacks"]
    assert verdict["stack"] == "dev"
    assert verdict["findings"] == []


def test_local_commands_without_a_stack_say_so(tmp_path: Path) -> None:
    environment = {"HYBRID_STATE": str(tmp_path / "none")}
    assert "start it with `./hybrid local up`" in hybrid("local", "status", environment=environment).err
    assert "start it with `./hybrid local up`" in hybrid("local", "verify", environment=environment).err
    assert "start it with `./hybrid local up`" in hybrid("local", "logs", "edge", environment=environment).err
    assert "start it with `./hybrid local up`" in hybrid("local", "rotate-keys", environment=environment).err
    assert hybrid("local", "down", environment=environment).err == "nothing to stop\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", DATABASE)
def test_database_commands_without_a_stack_say_so(name: str, tmp_path: Path) -> None:
    answer = hybrid("db", name, environment={"HYBRID_STATE": str(tmp_path / "none")})
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "hybrid: the local stack does not run; start it with `./hybrid local up`\n"


@pytest.mark.parametrize("arguments", RECOVERY)
def test_recovery_commands_without_a_stack_say_so(arguments: list[str], tmp_path: Path) -> None:
    answer = hybrid(*arguments, environment={"HYBRID_STATE": str(tmp_path / "none")})
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "hybrid: the local stack does not run; start it with `./hybrid local up`\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("arguments", RECOVERY)
def test_recovery_commands_refuse_an_unknown_stack(arguments: list[str]) -> None:
    answer = answered(*arguments, "--stack", "stage")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "hybrid: stage: is not a stack of this project (no Pulumi.stage.yaml). Known: dev, prod\n"


def test_a_time_without_a_zone_is_said_to_be_utc(tmp_path: Path) -> None:
    arguments = ["restore", "--to", "2026-11-21 12:00", "--into", "side"]
    answer = hybrid(*arguments, environment={"HYBRID_STATE": str(tmp_path / "none")})
    assert "no zone in '2026-11-21 12:00': taken as UTC, 2026-11-21 12:00:00 UTC\n" in answer.err


@pytest.mark.parametrize("name", FAILOVER)
def test_failover_commands_without_a_stack_say_so(name: str, tmp_path: Path) -> None:
    answer = hybrid("failover", name, environment={"HYBRID_STATE": str(tmp_path / "none")})
    assert (answer.code, answer.out) == (2 if name == "resolve" else 1, "")
    assert "start the local stack with `./hybrid local up`" in answer.err or "--ids: name the file" in answer.err
    assert not (tmp_path / "none").exists()


def test_failover_commands_with_a_stopped_stack_say_so(tmp_path: Path) -> None:
    (tmp_path / "failover.json").write_text("{}")
    answer = hybrid("failover", "status", environment={"HYBRID_STATE": str(tmp_path)})
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith("hybrid: the local stack does not run; start it with `./hybrid local up`")


def loaded_with(module: str) -> set[str]:
    argv = [str(ROOT / ".venv/bin/python"), "-c", f"import sys, {module}; print(*sys.modules)"]
    return {*ran(argv, check=True).stdout.split()}


def test_help_imports_nothing_heavy() -> None:
    heavy = {"pydantic", "boto3", "jinja2", "psycopg", "pulumi", "backups.connection", "httpx", "cloudflare", "dns"}
    assert loaded_with("scripts.__main__") & heavy == set()


@pytest.mark.parametrize(
    "module", ["backups.cloud_connection", "database.cloud_access", "failover.operation.operation"]
)
def test_a_command_in_the_cloud_loads_no_provider(module: str) -> None:
    assert loaded_with(module) & {"pulumi", "pulumi_aws", "pulumi_cloudflare"} == set()


def test_the_recovery_engine_loads_nothing_of_the_playbook() -> None:
    assert loaded_with("host.recovery.__main__") & {"pyinfra", "paramiko", "gevent", "boto3"} == set()


@pytest.mark.parametrize("name", DATABASE)
def test_database_commands_refuse_an_unknown_stack(name: str) -> None:
    answer = answered("db", name, "--stack", "stage")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "hybrid: stage: is not a stack of this project (no Pulumi.stage.yaml). Known: dev, prod\n"


def test_a_foreign_folder_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    environment = {"HYBRID_STATE": str(tmp_path)}
    for arguments in (["up"], ["down", "--remove"]):
        answer = hybrid("local", *arguments, environment=environment)
        assert answer.code == 1
        assert "is not empty and not a state folder" in answer.err
    assert "is not empty and not a state folder" in hybrid("local", "dev", environment=environment).err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize("port", ["80", "65534", "seven"])
def test_a_first_port_that_can_not_be_is_refused(port: str, tmp_path: Path) -> None:
    environment = {"HYBRID_STATE": str(tmp_path / "state"), "HYBRID_FIRST_PORT": port}
    answer = hybrid("local", "status", environment=environment)
    assert answer.code == 1
    assert port in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("place", ["missing/verdict", "."])
def test_a_verdict_that_can_not_be_written_is_one_line(place: str, tmp_path: Path) -> None:
    answer = hybrid("gate", "dev", "--output", str(tmp_path / place))
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(f"hybrid: {tmp_path / place}: can't be written: ")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize("stdout", [">&-", ">/dev/full"])
@pytest.mark.parametrize("command", ["preview", "graph"])
def test_output_that_can_not_be_written_is_one_line(command: str, stdout: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    answer = ran(["sh", "-c", f"./hybrid {command} dev {stdout}"], env=environment)
    assert answer.returncode == 1
    assert answer.stderr.startswith("hybrid: standard output or a temporary file can't be written: ")
    assert answer.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_not_told() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    answer = ran(["bash", "-c", "./hybrid graph dev | true; exit ${PIPESTATUS[0]}"], env=environment)
    assert (answer.returncode, answer.stderr) == (1, "")


def test_a_damaged_specification_does_not_stop_status(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("[1]")
    answer = hybrid("local", "status", environment={"HYBRID_STATE": str(tmp_path)})
    assert answer.err == "the local stack is not there; start it with `./hybrid local up`\n"


@pytest.mark.parametrize("target", ["down", "clean"])
def test_make_does_not_leave_a_stack_behind_that_it_can_not_end(target: str, tmp_path: Path) -> None:
    """Without the Python environment; what is there stays as it is."""
    for name in ("Makefile", "hybrid"):
        shutil.copy2(ROOT / name, tmp_path / name)
    (tmp_path / "apps").mkdir()
    (tmp_path / ".state" / "local").mkdir(parents=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HYBRID", "MAKE"))}
    command = ["make", target]
    answer = ran(command, cwd=tmp_path, env=environment)
    assert answer.returncode != 0
    assert "make it with: make setup" in answer.stderr
    assert (tmp_path / ".state" / "local").exists()
    (tmp_path / ".state" / "local").rmdir()
    subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)


def test_the_doctor_looks_at_this_machine_and_changes_nothing(tmp_path: Path) -> None:
    answer = hybrid("doctor", environment={"HYBRID_STATE": str(tmp_path / "none")})
    assert answer.code in (0, 1)
    assert "Traceback" not in answer.err
    assert "Node.js packages" in answer.out
    assert not (tmp_path / "none").exists()
