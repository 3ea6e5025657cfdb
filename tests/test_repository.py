"""What keeps the repository true: nothing undocumented, nothing untested, nothing that names this machine."""

import re
import tomllib
from pathlib import Path

import pytest

from local.common.parts import PARTS
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


def test_the_architecture_names_every_part() -> None:
    table = (ROOT / "docs/architecture.md").read_text().partition("| Part | Real thing |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)
    parts = [part.name for part in PARTS]
    missing = [f"docs/architecture.md: the local stack: add a row | `{part}` | … |" for part in {*parts} - {*named}]
    gone = [f"docs/architecture.md: the local stack: no part is called {name}" for name in {*named} - {*parts}]
    assert not missing + gone, "\n".join(missing + gone)


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
