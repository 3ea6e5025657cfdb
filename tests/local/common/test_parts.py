"""The one list of parts: nothing in it leads nowhere, and nothing that belongs in it is missing."""

import ast
import inspect
from pathlib import Path

import pytest

from local.common.parts import PARTS, PORTS, Part, named
from local.host.realisation import Realisation
from local.processes.stack import Stack
from plan.project import ROOT
from scripts.debian_packages import OPTIONAL_COMMANDS, OPTIONAL_USES

LIST = "local/common/parts.py"
FIRST_ARGUMENT = {"start": Realisation, "steps": Realisation, "refuse": Realisation, "hops": Stack, "checks": Stack}
BY_NAME = pytest.mark.parametrize("part", PARTS, ids=[part.name for part in PARTS])


def references(part: Part) -> list[tuple[str, str]]:
    """Field and "module:function"."""
    single = [(field, getattr(part, field)) for field in ("start", "refuse", "hops")]
    several = [("steps", one) for one in part.steps.values()] + [("checks", one) for one in part.checks]
    return [(field, reference) for field, reference in [*single, *several] if reference]


def test_parts_start_in_the_order_in_which_they_need_each_other() -> None:
    known = ["objects", "postgres", "pooler", "edge", "control-plane", "dns", "standby", "edge-proxy"]
    assert [part.name for part in PARTS if part.name in known] == known


def test_ports_follow_each_other() -> None:
    offsets = [offset for part in PARTS for offset in part.ports.values()]
    free = next(offset for offset in range(len(offsets) + 1) if offset not in offsets)
    assert sorted(offsets) == list(range(len(offsets))), f"{LIST}: the next free offset of a new part's port is {free}"
    assert len(PORTS) == len(offsets), f"{LIST}: two ports have one name"


@BY_NAME
def test_what_the_list_names_is_there(part: Part) -> None:
    for field, reference in references(part):
        try:
            found = named(reference)
        except (ImportError, AttributeError, ValueError) as error:
            pytest.fail(f"{LIST}: Part(name={part.name!r}): {field} names {reference!r}, which is not there: {error}")
        first = next(iter(inspect.signature(found, eval_str=True).parameters.values()))
        assert first.annotation is FIRST_ARGUMENT[field], f"{reference}: its first argument is not what {LIST} says"


@BY_NAME
def test_every_part_has_a_test_of_its_own(part: Part) -> None:
    module = part.start.partition(":")[0]
    package, name = module.rsplit(".", 1)
    room = package.rpartition(".")[2]
    tests = [path.read_text() for path in (ROOT / "tests/local").rglob("*.py")]
    is_tested = any(f"{module} import" in text or _imports(text, package, name) for text in tests)
    assert is_tested, f"tests/local/{room}/test_{name}.py: add `from {package} import {name}`, and what to expect of it"


def _imports(text: str, package: str, name: str) -> bool:
    nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    return any(node.module == package and name in {alias.name for alias in node.names} for node in nodes)


def starting_functions() -> list[str]:
    """Functions in local/ that are called `start…` and take a Realisation."""
    found = []
    for path in sorted((ROOT / "local").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("start") and node.args.args:
                annotation = node.args.args[0].annotation
                if isinstance(annotation, ast.Name) and annotation.id == "Realisation":
                    found.append(f"{module}:{node.name}")
    return found


def test_what_a_part_needs_of_debian_is_installed_or_named() -> None:
    programs = [part.needs.program for part in PARTS if part.needs]
    assert programs
    for program in programs:
        line = f'scripts/debian_packages.py: OPTIONAL_COMMANDS lacks the line: "{program}": "ITS PACKAGE",'
        assert program in OPTIONAL_COMMANDS, line
    for package in OPTIONAL_COMMANDS.values():
        line = f'scripts/debian_packages.py: OPTIONAL_USES lacks the line: "{package}": "WHAT IT IS FOR",'
        assert package in OPTIONAL_USES, line


def test_every_part_is_in_the_list() -> None:
    listed = {reference for part in PARTS for _, reference in references(part)}
    assert len(starting_functions()) >= len(PARTS)
    for reference in starting_functions():
        name = Path(reference.partition(":")[0].replace(".", "/")).name.replace("_", "-")
        ports = f'ports={{"{name}": {len(PORTS)}}}'
        missing = f'Part(name="{name}", runs="…", stands_for="…", {ports}, start="{reference}"),'
        assert reference in listed, f"{LIST}: PARTS lacks the line: {missing}"
