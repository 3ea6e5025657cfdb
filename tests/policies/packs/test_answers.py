"""Packs are asked once about the same plan; what they depend on makes them be asked again."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from plan import inputs
from plan.inputs import PACKS, Inputs
from plan.model import Computed, Plan, Resource
from plan.project import ROOT
from policies.errors import GateError
from policies.exemptions.exemption import Exemption
from policies.gate.gate import assess
from policies.packs import analyzer
from policies.packs.analyzer import Pack, Requests
from policies.packs.answers import ANSWERS, folders
from policies.rules.findings import Outcome, Subject
from tests.policies.changes import broken, having, removed
from tests.waiting import until

DAY = date(2026, 11, 29)
SAFETY = folders(["safety"])
PREFIX = "urn:pulumi:dev::trial::"


@pytest.fixture
def asked(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many requests each pack that was started got; nothing is known at first."""
    monkeypatch.setenv("HYBRID_CACHE", str(tmp_path_factory.mktemp("cache")))
    # What measures coverage looks around in a pack, which then is not remembered.
    for name in ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    counts: list[int] = []
    running = analyzer.running

    @contextmanager
    def counted(*arguments: Any) -> Iterator[Pack]:
        with running(*arguments) as pack:
            analyze = pack.analyze
            counts.append(0)

            def count(requests: Requests) -> Any:
                counts[-1] += 1
                return analyze(requests)

            monkeypatch.setattr(pack, "analyze", count)
            yield pack

    monkeypatch.setattr(analyzer, "running", counted)
    return counts


def bucket(**values: Any) -> Plan:
    """A plan of one public bucket, which the pack of safety refuses."""
    type_ = "aws:s3/bucketAcl:BucketAcl"
    found = Resource(urn=f"{PREFIX}{type_}::acl", type=type_, name="acl", custom=True, inputs={"acl": "public-read"})
    return Plan(project="trial", stack="dev", resources=(replace(found, inputs={**found.inputs, **values}),))


def gate(*plans: Plan, folders: Sequence[Path] = SAFETY, day: date = DAY, **more: Any) -> Outcome:
    return assess([Subject(plan=plan) for plan in plans], folders, memory=ANSWERS, now=day, **more)


def test_an_unchanged_plan_is_asked_about_once(asked: list[int]) -> None:
    first = gate(bucket())
    assert not first.is_passed
    assert gate(bucket()) == first
    assert asked == [1]


def test_only_the_unknown_plan_is_asked_about(asked: list[int]) -> None:
    gate(bucket())
    first = gate(bucket(bucket="other"), bucket())
    assert gate(bucket(bucket="other"), bucket()) == first
    assert asked == [1, 1]


def test_another_day_is_another_answer(asked: list[int]) -> None:
    gate(bucket())
    gate(bucket(), day=date(2026, 11, 30))
    assert asked == [1, 1]


def test_without_a_memory_packs_are_asked_each_time(asked: list[int]) -> None:
    for _ in range(2):
        assess([Subject(plan=bucket())], SAFETY)
    assert asked == [1, 1]


def test_packs_that_start_early_and_are_not_needed_end(asked: list[int]) -> None:
    first = gate(bucket())
    assert gate(bucket(), starts_early=True) == first
    assert set() == analyzer._RUNNING
    assert sum(asked) == 1


def test_an_interruption_between_two_starts_ends_the_first(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    submit, started = ThreadPoolExecutor.submit, list[Future[Any]]()

    def interrupted(*arguments: Any) -> Future[Any]:
        if started:
            raise KeyboardInterrupt
        started.append(submit(*arguments))
        until(lambda: analyzer._RUNNING)
        return started[0]

    monkeypatch.setattr(ThreadPoolExecutor, "submit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        gate(bucket(), folders=folders(["safety", "secrets"]), starts_early=True)
    assert set() == analyzer._RUNNING


def test_exemptions_are_weighed_each_time(asked: list[int]) -> None:
    (found,) = {finding.rule for finding in gate(bucket()).verdicts[0].findings}
    granted = Exemption(
        rule=found, resource=bucket().resources[0].urn, reason="a trial", owner="tests", expires=date(2026, 11, 30)
    )
    assert gate(bucket(), granted=[granted]).is_passed
    late = gate(bucket(), granted=[replace(granted, expires=date(2026, 11, 28))])
    assert "expired on 2026-11-28" in late.elsewhere[0].message
    assert asked == [1]


@pytest.mark.parametrize("value", [{"$secret": "x"}, ("a", "b")], ids=["looks like a mark", "no list"])
def test_a_plan_that_its_text_does_not_fully_say_is_asked_about_each_time(asked: list[int], value: Any) -> None:
    for _ in range(2):
        gate(bucket(tags=value))
    assert asked == [1, 1]


def pack(folder: Path, check: str) -> list[Path]:
    """A pack of one rule that is one of the project's own, as far as the memory knows."""
    folder.mkdir()
    (folder / "__main__.py").write_text(f"""
import os, signal
from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy
def check(args, report):
    {check}
PolicyPack("own", [ResourceValidationPolicy("r", "d", check)], enforcement_level=EnforcementLevel.MANDATORY)
""")
    return [folder]


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[Path]]:
    """Makes a pack in a copy of the project; its process has the copy's sources as its inputs, too."""
    project = copied(tmp_path / "project")
    monkeypatch.setattr(inputs, "ROOT", project)
    monkeypatch.setitem(inputs.GIVEN, "PYTHONPATH", str(project))
    return lambda check: pack(project / "policies" / "own", check)


def copied(folder: Path) -> Path:
    for name in ("plan", "components", "durable", "host", "policies"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "requirements.lock", folder)
    return folder


def test_a_pack_that_sees_only_its_inputs_is_remembered(asked: list[int], own: Callable[[str], list[Path]]) -> None:
    folders = own("report('no')")
    first = gate(bucket(), folders=folders)
    assert gate(bucket(), folders=folders) == first
    assert asked == [1]


@pytest.mark.parametrize(
    "check", ["open('/etc/hostname').read()", "os.urandom(1)", "__import__('time').time()", "print('look here')"]
)
def test_a_pack_that_sees_more_is_asked_each_time(
    asked: list[int], own: Callable[[str], list[Path]], check: str
) -> None:
    folders = own(check)
    for _ in range(2):
        gate(bucket(), folders=folders)
    assert asked == [1, 1]


def test_the_answer_of_a_pack_that_ended_by_itself_is_not_remembered(
    asked: list[int], own: Callable[[str], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = own("report('no')")
    analyze = Pack.analyze

    def killed(self: Pack, requests: Requests) -> Any:
        found = analyze(self, requests)
        for process in analyzer._RUNNING:
            process.kill()
        return found

    monkeypatch.setattr(Pack, "analyze", killed)
    for _ in range(2):
        assert not gate(bucket(), folders=folders).is_passed
    assert asked == [1, 1]


def test_what_a_pack_says_whose_rules_change_meanwhile_is_not_remembered(
    asked: list[int], own: Callable[[str], list[Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they change after it has read them, and before it is known what to ask."""
    (folder,) = own("report('no')")
    text = (folder / "__main__.py").read_text()

    def subjects() -> Iterator[Subject]:
        with analyzer.running(folder):
            (folder / "__main__.py").write_text(text.replace("no", "other"))
        yield Subject(plan=bucket())

    assess(subjects(), [folder], memory=ANSWERS, now=DAY, starts_early=True)
    assert "other" in gate(bucket(), folders=[folder]).verdicts[0].findings[0].message
    assert gate(bucket(), folders=[folder]) == gate(bucket(), folders=[folder])
    assert sorted(asked) == [0, 1, 1]


def test_a_pack_that_fails_is_not_remembered(asked: list[int], own: Callable[[str], list[Path]]) -> None:
    folders = own("os.kill(os.getpid(), signal.SIGKILL)")
    for _ in range(2):
        with pytest.raises(GateError, match="policy pack own: failed"):
            gate(bucket(), folders=folders)
    assert asked == [1, 1]


@pytest.mark.parametrize("name", PACKS)
def test_every_listed_input_is_in_the_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    project = copied(tmp_path / "project")
    monkeypatch.setattr(inputs, "ROOT", project)
    before = Inputs.of_packs().hash
    tops = [path for path in project.glob(name.rstrip("/")) if path.is_dir() == name.endswith("/")]
    file = next(path for path in sorted([tops[0], *tops[0].rglob("*")]) if path.is_file())
    file.write_bytes(file.read_bytes() + b"#")
    assert Inputs.of_packs().hash != before


def test_every_source_of_the_policies_is_an_input() -> None:
    """In whichever room a rule, or what it imports, lies."""
    read = {Path(path).resolve() for path in Inputs.of_packs()._files}
    assert [path for path in (ROOT / "policies").rglob("*.py") if path.resolve() not in read] == []


@pytest.mark.parametrize("name", ["exemptions.yaml", "known_lines.yaml"])
def test_what_the_gate_weighs_itself_is_not_in_the_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    project = copied(tmp_path / "project")
    monkeypatch.setattr(inputs, "ROOT", project)
    before = Inputs.of_packs().hash
    (project / "policies" / name).write_text("exemptions: []\n")
    assert Inputs.of_packs().hash == before


def diagnostics(pack: Pack, plan: Plan) -> list[str]:
    return sorted(str(found) for found in pack.analyze(Requests.about(plan)))


def test_a_pack_that_is_asked_again_says_the_same(dev_plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has said of a resource is not asked for again, and what waits is told each time."""
    plans = [
        dev_plan,
        broken(dev_plan, "postgres-a-data", having(region="us-east-1")),
        removed(dev_plan, "tunnel-application"),
        broken(dev_plan, "backups-bucket", having(bucket=Computed())),
        dev_plan,
    ]
    alone = []
    for plan in plans:
        with analyzer.running(SAFETY[0]) as fresh:
            alone.append(diagnostics(fresh, plan))
    with analyzer.running(SAFETY[0]) as kept:
        asked: list[int] = []
        ask = kept._answered

        def counted(requests: Any) -> Any:
            asked.append(len(requests))
            return ask(requests)

        monkeypatch.setattr(kept, "_answered", counted)
        assert [diagnostics(kept, plan) for plan in plans] == alone
    first, *later = asked
    assert first > len(dev_plan.resources)
    assert max(later) < first / 4
    assert all("waiting-checks-are-listed" in "".join(found) for found in alone)
