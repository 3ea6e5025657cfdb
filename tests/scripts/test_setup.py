"""What `make setup` looks for on a machine before it makes anything."""

import importlib.util
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts import debian_packages, machine

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a shell script in a program's place; the machine has no others."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(debian_packages, "SBIN", str(tmp_path))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")

    def write(name: str, script: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)

    return write


def test_a_machine_with_node_and_npm_is_fine(program: Program) -> None:
    program("node", "echo v20.1.0")
    program("npm", "")
    assert list(machine.faults()) == []


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("echo v18.19.0", "node: v18.19.0; install Node.js 20 or newer"),
        ("exit 1", "node: not found; install Node.js 20 or newer"),
        ("echo 20", "node: 20; install Node.js 20 or newer"),
    ],
)
def test_a_node_that_is_too_old_or_broken_is_named(program: Program, script: str, fault: str) -> None:
    program("node", script)
    program("npm", "")
    assert list(machine.faults()) == [fault]


def test_a_missing_node_and_npm_are_both_named(program: Program) -> None:
    assert [fault.partition(";")[0] for fault in machine.faults()] == ["npm: not found", "node: not found"]


def test_another_processor_is_named(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert next(machine.faults()) == "machine: Linux on aarch64; the pinned runtimes are for Linux on x86_64"


def run(monkeypatch: pytest.MonkeyPatch, job: str, user: int) -> int:
    monkeypatch.setattr(sys, "argv", ["debian_packages.py", job])
    monkeypatch.setattr(os, "geteuid", lambda: user)
    return debian_packages.main()


def test_missing_packages_are_named_to_an_ordinary_user(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "test", 1000) == 1
    assert "On Debian, as root: apt-get install chromium mmdebstrap uidmap\n" in capsys.readouterr().err


@pytest.mark.parametrize(("job", "code", "named"), [("up", 0, ""), ("test", 1, "apt-get install chromium\n")])
def test_a_container_engine_stands_in_for_namespaces(
    job: str,
    code: int,
    named: str,
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    program("docker", "")
    assert run(monkeypatch, job, 1000) == code
    assert capsys.readouterr().err.endswith(named)


@pytest.mark.parametrize("script", ["exit 1", '[ "$1" = compose ]', '[ "$1" = info ]'])
def test_an_engine_that_does_not_work_stands_in_for_nothing(
    script: str, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("docker", script)
    assert run(monkeypatch, "up", 1000) == 1


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 100", 1)])
def test_root_installs_what_is_missing(
    script: str, code: int, program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("apt-get", script)
    assert run(monkeypatch, "up", 0) == code
    assert ("apt-get update failed; missing: mmdebstrap" in capsys.readouterr().err) is bool(code)


def test_root_goes_on_with_a_container_where_nothing_can_be_installed(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    program("apt-get", "exit 100")
    program("docker", "")
    assert run(monkeypatch, "up", 0) == 0


def test_nothing_is_done_where_all_is_there(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("mmdebstrap", "")
    program("knotd", "")
    assert run(monkeypatch, "up", 0) == 0
    assert capsys.readouterr().err == ""


def test_a_missing_name_server_is_told_and_gone_without(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("mmdebstrap", "")
    program("newuidmap", "")
    assert run(monkeypatch, "up", 1000) == 0
    assert "knot: not installed (Debian package knot): the local stack has no DNS" in capsys.readouterr().err


def test_each_package_that_is_gone_without_is_told_with_what_it_is_for(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("mmdebstrap", "")
    program("newuidmap", "")
    monkeypatch.setattr(debian_packages, "OPTIONAL_COMMANDS", {"knotd": "knot", "metersd": "meters"})
    monkeypatch.setattr(debian_packages, "OPTIONAL_USES", {"knot": "DNS", "meters": "figures"})
    assert run(monkeypatch, "up", 1000) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("; ")[0] for line in said] == [
        "knot: not installed (Debian package knot): the local stack has no DNS",
        "meters: not installed (Debian package meters): the local stack has no figures",
    ]


def test_root_installs_the_name_server_and_does_not_have_it_started(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program("mmdebstrap", "")
    program("apt-get", f'echo "$@" >> {tmp_path}/told')
    program("systemctl", f'echo "$@" >> {tmp_path}/told')
    assert run(monkeypatch, "up", 0) == 0
    assert (tmp_path / "told").read_text().splitlines()[1:] == [
        "install -qq --yes --no-install-recommends knot",
        "disable --now knot.service",
    ]


def test_a_name_server_that_can_not_be_had_holds_up_nothing(
    program: Program, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program("apt-get", 'case "$*" in *knot*) exit 100 ;; esac')
    assert run(monkeypatch, "up", 0) == 0
    said = capsys.readouterr().err
    assert "knot: not installed (Debian package knot): the local stack has no DNS" in said
    assert "missing: " not in said


def test_a_python_without_its_venv_package_is_named(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"python{version}-venv" in debian_packages.missing("up", is_root=True)


def test_what_only_root_can_test_with_is_asked_of_root_alone(program: Program) -> None:
    rooted = {"systemd-container", "nftables", "iproute2"}
    assert rooted <= set(debian_packages.missing("test", is_root=True))
    assert not rooted & set(debian_packages.missing("test", is_root=False))
    assert not rooted & set(debian_packages.missing("up", is_root=True))
