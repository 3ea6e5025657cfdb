"""What keeps the repository true: nothing undocumented, nothing untested, nothing that names this machine."""

import re
import tomllib
from pathlib import Path

import grimp
import pytest

from local.stack import parts_table
from tests.commands import ran

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def tracked(*patterns: str) -> list[Path]:
    listed = ran(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], check=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_readme_links_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *tracked("docs/*.md", "docs/**/*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_files_that_documents_name_are_there() -> None:
    """By their paths from the root, or as tests/README.md has them. Decisions are of their day, and not edited."""
    folders = {path.relative_to(ROOT).parts[0] for path in tracked("*/*")}
    for document in {*tracked("*.md")} - {ROOT / "CHANGELOG.md", *tracked("docs/decisions/*.md")}:
        for named in re.findall(r"`([a-z][\w.-]*/[\w./-]+\.\w+)`", document.read_text()):
            if named.split("/")[0] in folders and not re.search("[A-Z]{3}", named):
                is_there = (ROOT / named).exists() or (document.parent / named).exists()
                assert is_there, f"{document.relative_to(ROOT)}: {named}"


def test_every_component_is_used_and_has_a_test() -> None:
    sources = {path: path.read_text() for path in (*(ROOT / "components").rglob("*.py"), ROOT / "__main__.py")}
    tests = "".join(path.read_text() for path in (ROOT / "tests/components").rglob("*.py"))
    pattern = re.compile(r"^class (\w+)\(pulumi\.ComponentResource\)", re.MULTILINE)
    declared = {name: path for path, text in sources.items() for name in pattern.findall(text)}
    assert len(declared) >= 14
    missing = []
    for name, path in declared.items():
        if not any(re.search(rf"(?<!class )\b{name}\(", text) for text in sources.values()):
            missing.append(f"__main__.py: declare {name} ({path.relative_to(ROOT)})")
        if not re.search(rf"\b{name}\b", tests):
            missing.append(f'tests/components/test_components.py: add ({name}, "NAME", {{"TYPE": 1}}) to DECLARED')
    assert not missing, "\n".join(missing)


def test_types_of_every_declared_service_are_checked() -> None:
    """What pyproject.toml has mypy skip is of any type: a wrong argument would pass."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {name for one in overrides if one.get("follow_imports") == "normal" for name in one["module"]}
    declaring = [text for text in map(Path.read_text, tracked("*.py")) if "\nimport pulumi_aws as aws\n" in text]
    used = {name for text in declaring for name in re.findall(r"\baws\.([a-z]\w*)", text)}
    assert len(used) >= 7
    missing = [
        f'pyproject.toml: [[tool.mypy.overrides]] with follow_imports = "normal": add "pulumi_aws.{name}.*"'
        for name in sorted(used)
        if f"pulumi_aws.{name}.*" not in read
    ]
    assert not missing, "\n".join(missing)


def rows_of_the_house() -> dict[str, list[str]]:
    """Folders as docs/architecture.md lists them, with the names in code of each row's last column."""
    table = (ROOT / "docs/architecture.md").read_text().partition("## The house")[2].partition("\n\n| ")[2]
    rows = re.findall(r"^\| `(\w+)/` \|.*\|(.*)\|$", table.partition("\n\n")[0], re.MULTILINE)
    return {folder: re.findall(r"`(\w+)`", rooms) for folder, rooms in rows}


def layers() -> dict[str, list[str]]:
    """Modules in the order of imports, by the folder that they are in; those of the root by ""."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {
        "".join(one.get("containers", ())): " | ".join(one["layers"]).split(" | ")
        for one in contracts
        if one["type"] == "layers"
    }


def test_every_folder_of_python_files_is_a_package() -> None:
    """Without `__init__.py` import-linter and mypy pass it by, and so does what looks for rooms here."""
    folders = {path.parent for name in [*layers()[""], "tests"] for path in tracked(f"{name}/*.py")}
    missing = sorted(folder / "__init__.py" for folder in folders if not (folder / "__init__.py").exists())
    assert not missing, "\n".join(f"{path.relative_to(ROOT)}: add it" for path in missing)


def test_the_house_lists_folders_and_rooms_in_the_order_of_imports() -> None:
    house, order = rows_of_the_house(), layers()
    folders = {path.relative_to(ROOT).parts[0] for path in tracked("[!.]*/*")}
    assert [folder for folder in house if folder in order[""]] == order[""]
    assert {*house} == folders, "docs/architecture.md: the house has a row | `FOLDER/` | for each"
    for folder in order[""]:
        rooms = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
        assert not rooms or folder in order, f"pyproject.toml: tool.importlinter: layers of {folder}"
        new = sorted(rooms - {*order.get(folder, ())})
        assert not new, f'pyproject.toml: tool.importlinter: id = "{folder}": add {", ".join(new)} to layers'
        listed = [name for name in order.get(folder, ()) if name in rooms]
        assert house[folder] == listed, f"docs/architecture.md: {folder}/: its rooms are {', '.join(listed)}"


def test_a_folder_of_the_house_stands_in_every_list() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {one["id"]: one for one in tools["contracts"]}
    sources = re.search(r"^SOURCES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert sources
    of_host = contracts["specification"]["source_modules"] + contracts["operator"]["source_modules"]
    # With the folders that are not in it: their layer, or their leave to all of host, makes it needless.
    lists: dict[str, tuple[list[str], set[str]]] = {
        "Makefile: SOURCES": (sources[1].split(), set()),
        "pyproject.toml: root_packages": (tools["root_packages"], set()),
        'pyproject.toml: id = "circles": ancestors': (contracts["circles"]["ancestors"], set()),
        'pyproject.toml: id = "rollback": source_modules': (
            contracts["rollback"]["source_modules"],
            {"durable", "failover", "host"},
        ),
        'pyproject.toml: id = "specification" or "operator": source_modules': (
            of_host,
            {"bench", "durable", "failover", "host", "local"},
        ),
    }
    for where, (listed, without) in lists.items():
        assert sorted(listed) == sorted({*layers()[""]} - without), where


def test_several_rooms_need_what_is_in_common() -> None:
    graph = grimp.build_graph(*layers()[""], cache_dir=None)
    for module in sorted(name for name in graph.modules if re.match(r"\w+\.common\.", name)):
        rooms = {".".join(user.split(".")[:2]) for user in graph.find_modules_that_directly_import(module)}
        assert len(rooms) > 1, f"{module}: only {rooms} need it: move it there"


def test_the_architecture_names_every_part() -> None:
    page = parts_table.PAGE.read_text()
    assert page == parts_table.written(page), "write it again: make pages"


def test_every_test_file_is_collected() -> None:
    unseen = [
        path
        for path in (ROOT / "tests").rglob("*.py")
        if "def test_" in path.read_text() and not path.name.startswith("test_")
    ]
    assert unseen == []


# In pieces, so that this file does not name them itself.
FORBIDDEN = [
    "pypi" + r"\.org",
    "pythonhosted" + r"\.org",
    "registry\\.npm" + "js",
    "proxy\\.go" + r"lang\.org",
    "deb\\.deb" + r"ian\.org",
    "/work/" + "main",
    "/tmp/" + "bash_jobs",
]


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_file_names_a_registry_or_this_machine(pattern: str) -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix not in (".png", ".svg") and re.search(pattern, path.read_text(errors="replace"))
    ]
    assert found == []


def test_decisions_are_numbered_in_order() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs/decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
