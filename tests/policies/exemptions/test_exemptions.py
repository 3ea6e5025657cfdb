"""Exemptions: what the file may say, and what becomes of violations that it covers."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from plan.model import Plan
from policies.errors import GateError
from policies.exemptions import exemption as exemptions
from policies.exemptions.exemption import Exemption, read
from policies.gate.gate import assess
from policies.gate.rules import EXEMPTIONS_RULE
from policies.reports import Format
from policies.reports import written as report
from policies.rules.findings import Outcome, Subject
from tests.policies import running
from tests.policies.changes import broken, having

TODAY = date(2026, 11, 21)
RULE = "resources-are-in-canada"
DISK = "aws:lightsail/disk:Disk::postgres-a-data"
SOUND = {
    "rule": RULE,
    "resource": f"urn:pulumi:dev::hybrid::*${DISK}",
    "reason": "the disk is empty and goes away with the trial",
    "owner": "platform@example.com",
    "expires": "2027-01-31",
}


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Makes a file of one sound entry, changed; None takes a field out."""

    def write(**changes: str | None) -> Path:
        fields = {key: value for key, value in {**SOUND, **changes}.items() if value is not None}
        lines = [f"{'-' if index == 0 else ' '} {key}: {value}" for index, (key, value) in enumerate(fields.items())]
        path = tmp_path / "exemptions.yaml"
        path.write_text("\n".join(["exemptions:", *(f"  {line}" for line in lines), ""]))
        return path

    return write


def exemption(**changes: object) -> Exemption:
    values = {**SOUND, "expires": TODAY + timedelta(days=70), "line": 2, **changes}
    return Exemption(**values)  # type: ignore[arg-type]


def gated(plans: list[Plan], *granted: Exemption, stacks: tuple[str, ...] = ("dev", "prod")) -> Outcome:
    subjects = [Subject(plan=plan) for plan in plans]
    return assess(subjects, running.kept(), granted=granted, stacks=stacks, now=TODAY)


def test_the_project_s_own_file_is_sound() -> None:
    found = read(exemptions.FILE)
    assert list(exemptions.time_faults(found, exemptions.current_day())) == []


def test_a_sound_entry_is_read(written: Callable[..., Path]) -> None:
    (found,) = read(written())
    assert found == Exemption(**{**SOUND, "expires": date(2027, 1, 31)}, line=2)  # type: ignore[arg-type]
    assert found.summary.startswith("exempted until 2027-01-31 by platform@example.com: the disk")


@pytest.mark.parametrize("text", ["exemptions: []\n", "exemptions:\n  []\n", "# nothing\nexemptions: []\n"])
def test_an_empty_list_grants_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.yaml").write_text(text)
    assert [*read(tmp_path / "e.yaml")] == [*read(tmp_path / "none.yaml")] == []


@pytest.mark.parametrize("text", ["", "[]", "exemptions:", "exemptions: {}", "exemptions: []\nmore: 1", "a: [", "- 1"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "e.yaml").write_text(text)
    with pytest.raises(GateError, match=r"e\.yaml: is (not a list|not YAML)"):
        read(tmp_path / "e.yaml")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"rule": "Resources"}, "rule: is not a rule"),
        ({"rule": None}, "rule: is missing"),
        ({"reason": "because"}, "reason: says too little"),
        ({"reason": None}, "reason: is missing"),
        ({"owner": "somebody"}, "owner: is not an address"),
        ({"expires": "soon"}, "expires: is not a date"),
        ({"expires": "2027-01-31 10:00:00"}, "expires: is not a date"),
        ({"expires": None}, "expires: is missing"),
        ({"ticket": "12"}, "ticket: is not a field"),
        ({"resource": '"*"'}, "resource: is too broad"),
        ({"resource": '"*Disk::postgres-a-data"'}, "resource: is too broad"),
        ({"resource": '"*$aws:lightsail/disk:Disk::*"'}, "resource: is too broad"),
        ({"resource": '"*$aws:*:Disk::postgres-a-data"'}, "resource: is too broad"),
        ({"resource": '"*$aws:lightsail/disk:Disk::postgres-?-data"'}, "resource: is too broad"),
        ({"resource": '"urn:pulumi:[dp]*$aws:lightsail/disk:Disk::d"'}, "resource: is too broad"),
        ({"resource": "postgres-a-data"}, "resource: is too broad"),
    ],
)
def test_a_faulty_entry_is_refused_with_its_line(
    written: Callable[..., Path], changes: dict[str, str | None], fault: str
) -> None:
    with pytest.raises(GateError, match=rf"exemptions\.yaml:2: {fault}"):
        read(written(**changes))


def test_all_faults_are_told_at_once(written: Callable[..., Path]) -> None:
    with pytest.raises(GateError) as caught:
        read(written(reason="x", owner="y", expires=None))
    assert len(str(caught.value).splitlines()) == 3


def test_an_entry_that_stands_twice_is_refused(written: Callable[..., Path]) -> None:
    path = written()
    path.write_text(path.read_text() + path.read_text().partition("\n")[2])
    with pytest.raises(GateError, match="is listed twice"):
        read(path)


def test_a_list_that_stands_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("exemptions: []\nexemptions: []\n")
    with pytest.raises(GateError, match="line 2, column 1: exemptions: duplicate key, first in line 1"):
        read(tmp_path / "x.yaml")


def test_a_file_that_is_no_yaml_is_not_quoted(tmp_path: Path) -> None:
    for text in ("exemptions: [ {rule: 'hunter2", "exemptions: !hunter2 []", "exemptions: *hunter2", "a: b: hunter2"):
        (tmp_path / "x.yaml").write_text(text)
        with pytest.raises(GateError, match=r"x\.yaml: is not YAML: line 1, column \d+: ") as caught:
            read(tmp_path / "x.yaml")
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("resource", [f"*{DISK}", f"*${DISK}", f"urn:pulumi:*::hybrid::{DISK}"])
def test_a_pattern_that_names_type_and_name_is_narrow(resource: str) -> None:
    assert exemptions.is_named(resource)


def test_what_is_covered_passes_and_is_listed(dev_plan: Plan, prod_plan: Plan) -> None:
    plans = [broken(plan, "postgres-a-data", having(region="us-east-1")) for plan in (dev_plan, prod_plan)]
    dev, prod = gated(plans, exemption()).verdicts
    assert RULE not in {finding.rule for finding in dev.findings}
    assert {(found.finding.rule, found.finding.subject) for found in dev.exempted} == {(RULE, "postgres-a-data")}
    assert RULE in {finding.rule for finding in prod.findings}
    assert prod.exempted == ()


def faults(outcome: Outcome) -> list[str]:
    return [finding.message for finding in outcome.elsewhere if finding.rule == EXEMPTIONS_RULE]


def test_what_is_wrong_with_an_exemption_fails_the_gate(dev_plan: Plan) -> None:
    one_broken = broken(dev_plan, "postgres-a-data", having(region="us-east-1"))
    unused = exemption(resource=f"*{DISK.replace('-data', '-none')}", line=5)
    outcome = gated(
        [one_broken],
        exemption(expires=TODAY - timedelta(days=1), line=3),
        exemption(expires=TODAY + timedelta(days=400), line=4),
        unused,
        exemption(rule="no-such-rule", line=6),
        stacks=("dev",),
    )
    found = sorted(faults(outcome))
    messages = [
        "expired on 2026-11-20",
        "a year from now at most",
        "nothing needs it",
        "nothing needs it",
        "no such rule",
    ]
    for line, said in zip((3, 4, 4, 5, 6), messages, strict=True):
        assert any(f"exemptions.yaml:{line}: " in fault and said in fault for fault in found), (line, said)
    assert {finding.place for finding in outcome.elsewhere} == {
        f"policies/exemptions.yaml:{line}" for line in range(3, 7)
    }
    assert not outcome.is_passed


@pytest.mark.parametrize("days", [-1, 400])
def test_only_a_sound_exemption_exempts(dev_plan: Plan, days: int) -> None:
    one_broken = broken(dev_plan, "postgres-a-data", having(region="us-east-1"))
    late = exemption(expires=TODAY + timedelta(days=days))
    outcome = gated([one_broken], late, stacks=("dev",))
    (verdict,) = outcome.verdicts
    assert RULE in {finding.rule for finding in verdict.findings}
    assert (verdict.exempted, outcome.exemptions) == ((), ())
    # It is needed, so it is not to be removed.
    assert ["expire" in fault for fault in faults(outcome)] == [True]


def test_a_sound_exemption_exempts_in_place_of_a_faulty_one(dev_plan: Plan) -> None:
    one_broken = broken(dev_plan, "postgres-a-data", having(region="us-east-1"))
    late, sound = exemption(expires=TODAY - timedelta(days=1)), exemption(resource=f"*${DISK}", line=3)
    outcome = gated([one_broken], late, sound, stacks=("dev",))
    assert RULE not in {finding.rule for finding in outcome.verdicts[0].findings}
    assert outcome.exemptions == (sound,)
    assert [fault.partition(":")[2][:2] for fault in faults(outcome)] == ["2:", "2:"]


def test_one_that_matches_too_many_exempts_none_of_them(dev_plan: Plan) -> None:
    copies = [
        broken(
            Plan(project=dev_plan.project, stack=f"dev-{name}", resources=_renamed(dev_plan, f"dev-{name}")),
            "postgres-a-data",
            having(region="us-east-1"),
        )
        for name in "abcd"
    ]
    outcome = gated(copies, exemption(resource=f"*{DISK}"), stacks=())
    assert [RULE in {found.rule for found in verdict.findings} for verdict in outcome.verdicts] == [True] * 4
    assert (outcome.exemptions, [verdict.exempted for verdict in outcome.verdicts]) == ((), [()] * 4)


@pytest.mark.parametrize("changes", [{"resource": f"*{DISK}-none"}, {"rule": "no-such-rule"}])
def test_what_nothing_needs_is_not_said_to_exempt(dev_plan: Plan, changes: dict[str, str]) -> None:
    outcome = gated([dev_plan], exemption(**changes), stacks=("dev",))
    assert len(faults(outcome)) == 1
    assert not [form for form in Format if "exempted until" in report(outcome, form)]


def test_a_stack_that_was_not_gated_is_named(dev_plan: Plan, prod_plan: Plan) -> None:
    both = exemption(resource=f"*${DISK}")
    one_broken = broken(dev_plan, "postgres-a-data", having(region="us-east-1"))
    alone, used, whole, none = (gated(plans, both) for plans in ([dev_plan], [one_broken], [dev_plan, prod_plan], []))
    for form in Format:
        assert report(alone, form).count("not judged whether it is needed: prod was not gated") == 1, form
        assert "needed: dev and prod were not gated" in report(none, form), form
        assert "not judged whether" not in report(used, form) + report(whole, form), form


def test_an_exemption_of_a_stack_that_was_not_gated_is_not_unused(dev_plan: Plan) -> None:
    of_prod = exemption(resource=f"urn:pulumi:prod::hybrid::*${DISK}")
    of_both = exemption(resource=f"*${DISK}", line=3)
    assert faults(gated([dev_plan], of_prod, of_both)) == []
    assert len(faults(gated([dev_plan], of_prod, of_both, stacks=("dev",)))) == 2


def test_an_exemption_that_matches_many_is_too_broad(dev_plan: Plan) -> None:
    copies = [
        Plan(project=dev_plan.project, stack=f"dev-{name}", resources=_renamed(dev_plan, f"dev-{name}"))
        for name in "abcd"
    ]
    broad = exemption(resource=f"*{DISK}")
    assert "matches 4 resources" in faults(gated(copies, broad, stacks=()))[0]


def _renamed(plan: Plan, stack: str) -> tuple:  # type: ignore[type-arg]
    from dataclasses import replace

    return tuple(
        replace(resource, urn=resource.urn.replace("urn:pulumi:dev::", f"urn:pulumi:{stack}::"), parent=None)
        for resource in plan.resources
        if resource.name == "postgres-a-data" or resource.type.startswith("pulumi:providers")
    )


def test_a_pack_stays_shut_while_the_file_is_faulty(
    written: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    monkeypatch.setattr(exemptions, "FILE", written(expires=yesterday.isoformat()))
    with pytest.raises(GateError, match="expired"):
        exemptions.granted()
    monkeypatch.setenv(exemptions.LEFT_TO_THE_GATE, "1")
    assert exemptions.granted() == ()
