"""A program is recorded again when one of its inputs has changed, and is not when none has."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plan import codec, inputs, record
from plan.inputs import PROGRAM, RECORDER, VARIABLES, Inputs
from plan.memory import FOLDER, cache_folder
from plan.model import Plan, PlanError
from plan.project import ROOT

Program = Callable[..., Path]
pytestmark = pytest.mark.usefixtures("recorded")

CONFIG = "config:\n  size: {type: integer, default: 7}\n"
SOURCE = """
import pulumi, own
from pathlib import Path
here = Path(__file__).parent
pulumi.export("files", sorted(str(path.relative_to(here)) for path in (here / "host").rglob("*")))
pulumi.export("size", pulumi.Config().require_int("size"))
"""


PLAN = codec.dumps(Plan(project="trial", stack="dev", resources=()))


@pytest.fixture
def quickly_recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The same, of programs of which nothing matters but whether they run."""
    stacks: list[str] = []

    def counted(ran: list[str], *_: Any) -> Any:
        stacks.extend(ran)
        return [{"plan": PLAN, "seen": {"unlisted": [], "single_files": [], "libraries": {}}} for _ in ran]

    monkeypatch.setattr(record, "_run", counted)
    return stacks


@pytest.fixture
def project(program: Program) -> Path:
    """A project with something of every kind that is an input."""
    folder = program(SOURCE, CONFIG)
    (folder / "own.py").write_text("value = 1\n")
    for path in (
        "components/part.py",
        "components/templates/a.sh",
        "host/playbook.py",
        "durable/a.py",
        "apps/worker/dist/index.js",
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("first\n")
    return folder


def test_an_unchanged_program_is_recorded_once(project: Path, recorded: list[str]) -> None:
    first = record.record("dev", project)
    assert record.record("dev", project) == first
    assert recorded == ["dev"]


def test_of_several_stacks_only_the_unknown_is_recorded(project: Path, recorded: list[str]) -> None:
    (project / "Pulumi.prod.yaml").write_text("config: {'trial:size': 9}\n")
    record.record("dev", project)
    dev, prod, again = record.record_all(["dev", "prod", "dev"], project)
    assert (dev.outputs["size"], prod.outputs["size"], again) == (7, 9, dev)
    assert recorded == ["dev", "prod"]


CHANGES: dict[str, Callable[[Path], object]] = {
    "the program": lambda folder: (folder / "__main__.py").write_text(f"{SOURCE}\n"),
    "a module beside it": lambda folder: (folder / "own.py").write_text("value = 2\n"),
    "a component": lambda folder: (folder / "components/part.py").write_text("other\n"),
    "what a component reads": lambda folder: (folder / "components/templates/a.sh").write_text("other\n"),
    "the playbook": lambda folder: (folder / "host/playbook.py").write_text("other\n"),
    "a bundle": lambda folder: (folder / "apps/worker/dist/index.js").write_text("other\n"),
    "a new file": lambda folder: (folder / "host/new.py").touch(),
    "a new folder": lambda folder: (folder / "host/new").mkdir(),
    "a file less": lambda folder: (folder / "host/playbook.py").unlink(),
    "a file's name": lambda folder: (folder / "host/playbook.py").rename(folder / "host/book.py"),
    "a link's target": lambda folder: linked(folder),
    "a package beside the program": lambda folder: (folder / "pulumi_random").mkdir(),
    "a setting": lambda folder: (folder / "Pulumi.dev.yaml").write_text("config: {'trial:size': 8}\n"),
    "a default": lambda folder: (folder / "Pulumi.yaml").write_text(f"name: trial\n{CONFIG.replace('7', '8')}"),
    "the project's name": lambda folder: (folder / "Pulumi.yaml").write_text(f"name: other\n{CONFIG}"),
}


def linked(folder: Path) -> None:
    (folder / "host/playbook.py").unlink()
    (folder / "host/playbook.py").symlink_to(folder / "own.py")


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_changed_input_is_recorded_again(
    project: Path, quickly_recorded: list[str], change: Callable[[Path], object]
) -> None:
    record.record("dev", project)
    record.record("dev", project)
    assert quickly_recorded == ["dev"]
    change(project)
    record.record("dev", project)
    assert quickly_recorded == ["dev", "dev"]


def test_a_program_that_is_a_link_is_what_it_leads_to(project: Path) -> None:
    (project / "shared").mkdir()
    target = (project / "__main__.py").rename(project / "shared/main.py")
    (project / "__main__.py").symlink_to(target)
    before = Inputs.of_program(project).hash
    target.write_text(f"{SOURCE}\n")
    assert Inputs.of_program(project).hash != before


@pytest.mark.parametrize("name", PROGRAM)
def test_every_listed_input_of_the_program_is_in_the_hash(project: Path, name: str) -> None:
    assert differs_with(project, name, Inputs.of_program(project))


@pytest.mark.parametrize("name", RECORDER)
def test_every_listed_input_of_the_recorder_is_in_the_hash(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    other = tmp_path / "recorder"
    for path in ("plan", "components", "durable", "host/specification"):
        shutil.copytree(ROOT / path, other / path, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", other)
    monkeypatch.setattr(inputs, "ROOT", other)
    assert differs_with(other, name, Inputs.of_program(project))


def differs_with(folder: Path, name: str, before: Inputs) -> bool:
    """Whether a byte more, at the end of the first file of that name, makes another hash."""
    tops = [path for path in folder.glob(name.rstrip("/"))]
    file = next(path for path in sorted([*tops, *tops[0].rglob("*")]) if path.is_file())
    unchanged = Inputs.of_program(before.folder).hash
    assert unchanged == before.hash
    facts = file.stat()
    file.write_bytes(file.read_bytes()[:-1] + b"#")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    return Inputs.of_program(before.folder).hash != unchanged


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_that_the_program_gets_is_in_the_hash(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.delenv(name, raising=False)
    without = Inputs.of_program(project).hash
    monkeypatch.setenv(name, "/nowhere")
    assert Inputs.of_program(project).hash != without


def test_the_interpreter_and_the_installed_packages_are_in_the_hash(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.setattr("site.getsitepackages", lambda: [str(packages)])
    hashes = {Inputs.of_program(project).hash}
    (packages / "trial-1.0.dist-info").mkdir()
    hashes.add(Inputs.of_program(project).hash)
    monkeypatch.setattr("sys.version", "3.99")
    hashes.add(Inputs.of_program(project).hash)
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("sys." + name, "/elsewhere") for name in ("executable", "prefix", "base_prefix")),
        ("sys.flags", (1, 0)),
        ("plan.inputs.FORMAT", -1),
        ("plan.inputs.GIVEN", inputs.GIVEN | {"TZ": "America/Montreal"}),
        ("plan.inputs.GIVEN", {}),
    ],
)
def test_what_runs_the_program_is_in_the_hash(
    project: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    before = Inputs.of_program(project).hash
    monkeypatch.setattr(name, value)
    assert Inputs.of_program(project).hash != before


def test_a_project_elsewhere_is_another(project: Path, tmp_path: Path) -> None:
    """It may declare where it is."""
    copy = shutil.copytree(project, tmp_path / "copy")
    assert Inputs.of_program(copy).hash != Inputs.of_program(project).hash


def test_a_package_that_was_changed_by_hand_is_noticed(
    project: Path, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    record.record("dev", project)
    stamped = inputs.stamped

    def changed(paths: list[str]) -> dict[str, list[int]]:
        (path,) = (path for path in paths if path.endswith("site-packages/pulumi/config.py"))
        return {**stamped(paths), path: [1, 1]}

    monkeypatch.setattr(inputs, "stamped", changed)
    record.record("dev", project)
    assert recorded == ["dev", "dev"]


@pytest.mark.parametrize("by", ["other", "first\n"])
def test_what_changes_while_it_is_recorded_is_not_remembered(
    project: Path, quickly_recorded: list[str], monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """Under neither hash; also where it is back as it was in the end."""
    run = record._run

    def meanwhile(*arguments: Any) -> Any:
        for text in ("meanwhile", by):
            (project / "components/part.py").write_text(text)
        return run(*arguments)

    monkeypatch.setattr(record, "_run", meanwhile)
    record.record("dev", project)
    monkeypatch.setattr(record, "_run", run)
    for text in (by, "meanwhile", "first\n"):
        (project / "components/part.py").write_text(text)
        record.record("dev", project)
    assert len(quickly_recorded) == 1 + len({by, "meanwhile", "first\n"})


@pytest.mark.parametrize("name", ["host/.playbook.py.swp", "components/passing.py", "host/templates/passing"])
def test_what_comes_and_goes_while_it_is_recorded_is_not_remembered(
    project: Path, quickly_recorded: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (project / "host/templates").mkdir()
    run = record._run

    def meanwhile(*arguments: Any) -> Any:
        (project / name).touch()
        (project / name).unlink()
        return run(*arguments)

    monkeypatch.setattr(record, "_run", meanwhile)
    for _ in range(2):
        record.record("dev", project)
    assert quickly_recorded == ["dev", "dev"]


def test_a_module_that_comes_and_goes_beside_the_program_is_not_remembered(
    program: Program, recorded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was imported, and both looks at the folder find it gone."""
    folder = program("import contextlib\nwith contextlib.suppress(ImportError):\n    import passing\n")
    run = record._run

    def meanwhile(*arguments: Any) -> Any:
        (folder / "passing.py").touch()
        answer = run(*arguments)
        (folder / "passing.py").unlink()
        return answer

    monkeypatch.setattr(record, "_run", meanwhile)
    for _ in range(2):
        record.record("dev", folder)
    assert recorded == ["dev", "dev"]


def test_a_fault_is_told_each_time(program: Program, recorded: list[str]) -> None:
    folder = program("raise ValueError('no')")
    for _ in range(2):
        with pytest.raises(PlanError, match="ValueError: no"):
            record.record("dev", folder)
    assert recorded == ["dev", "dev"]


def test_of_a_damaged_memory_nothing_is_believed(project: Path, recorded: list[str]) -> None:
    plan = record.record("dev", project)
    (file,) = (cache_folder() / FOLDER / "plans").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert record.record("dev", project) == plan
    assert recorded == ["dev", "dev"]


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_project_s_own_plans_are_remembered(recorded: list[str], stack: str) -> None:
    first = record.record(stack)
    assert record.record(stack) == first
    assert recorded == [stack]
