"""What compose.yaml, the Dockerfile and their locks say agrees with the code that relies on it."""

import re
from pathlib import Path

import yaml

from local.host.container import SPEC
from local.host.root_filesystem import PACKAGES, SUITE
from local.host.spec import OBJECTS_CA

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICE = COMPOSE["services"]["database"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_the_container_shares_the_loopback_and_publishes_nothing() -> None:
    assert SERVICE["network_mode"] == "host"
    assert "ports" not in SERVICE
    assert "privileged" not in SERVICE


def test_the_containers_files_are_where_host_looks_for_them() -> None:
    targets = {mount["target"]: mount for mount in SERVICE["volumes"]}
    assert {target for target, mount in targets.items() if mount["type"] == "bind"} == {SPEC, OBJECTS_CA}
    assert all(mount["read_only"] for mount in targets.values() if mount["type"] == "bind")
    assert {mount["source"] for mount in targets.values() if mount["type"] == "volume"} == set(COMPOSE["volumes"])
    assert f'"{SPEC}"' in DOCKERFILE


def test_the_container_has_the_packages_of_the_root_file_system() -> None:
    installed = re.findall(r"^ {8}([a-z0-9-]+) \\$", DOCKERFILE, re.MULTILINE)
    assert set(installed) == {*PACKAGES, "python3", "python3-venv"}
    assert f"FROM debian:{SUITE}-slim" in DOCKERFILE


def locked(path: Path) -> dict[str, str]:
    """Every requirement with its hashes, by name."""
    entries = re.split(r"\n(?=\S)", path.read_text().strip())
    return {entry.partition("==")[0]: entry.strip() for entry in entries if "==" in entry}


def test_the_containers_python_packages_are_those_of_the_project() -> None:
    project, host = locked(ROOT / "requirements.lock"), locked(ROOT / "host/requirements.lock")
    assert {"pyinfra", "jinja2"} <= host.keys()
    assert {name: entry for name, entry in host.items() if project.get(name) != entry} == {}


def test_only_what_the_containers_image_holds_reaches_the_engine() -> None:
    allowed = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = re.findall(r"^COPY (\S+)", DOCKERFILE, re.MULTILINE)
    assert allowed == ["!host", "!durable"]
    assert {Path(source).parts[0] for source in copied} == {"host", "durable"}
