"""What keeps the repository true: nothing undocumented, nothing untested, nothing that names this machine."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 120


def test_readme_links_lead_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *tracked("docs/*.md", "docs/**/*.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_component_has_a_test() -> None:
    tests = (ROOT / "tests/components/test_stack.py").read_text() + (
        ROOT / "tests/components/test_components.py"
    ).read_text()
    classes = re.findall(
        r"^class (\w+)\(pulumi\.ComponentResource\)",
        "\n".join(path.read_text() for path in (ROOT / "components").rglob("*.py")),
        re.MULTILINE,
    )
    assert len(classes) >= 14
    assert [name for name in classes if name not in tests] == []


def test_types_of_every_declared_service_are_checked() -> None:
    """What pyproject.toml has mypy skip is of any type: a wrong argument would pass."""
    overrides = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    read = {name for one in overrides if one.get("follow_imports") == "normal" for name in one["module"]}
    declaring = [text for text in map(Path.read_text, tracked("*.py")) if "\nimport pulumi_aws as aws\n" in text]
    used = {name for text in declaring for name in re.findall(r"\baws\.([a-z]\w*)", text)}
    assert len(used) >= 7
    assert {f"pulumi_aws.{name}.*" for name in used} <= read


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
