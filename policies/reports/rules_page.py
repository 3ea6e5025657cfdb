"""The page of the rules, docs/policies/README.md: `python -m policies.reports.rules_page` writes it again."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from policies.gate.rules import RULES as GATE_RULES
from policies.gate.rules import GateRule
from policies.packs.answers import folders
from policies.rules.rule import Rule, StackRule, gathered

PAGE = Path(__file__).resolve().parents[2] / "docs" / "policies" / "README.md"
_INTRODUCTION = """# The policies

<!-- Made by `python -m policies.reports.rules_page` from the rules. Change those. -->

Each rule is a good state, and every rule is mandatory. `./hybrid gate dev prod` checks them all on the recorded plan, \
without Pulumi, credentials or a network; `--preview FILE` and `--state FILE` check what the engine wrote; \
`pulumi preview` and `pulumi up` take them all with `--policy-pack policies`, one pack with `policies/NAME`. \
How they run, and why what can't be judged fails: [decision 2](../decisions/0002-policies-are-real-packs.md), \
and, on the engine, [decision 15](../decisions/0015-one-pack-of-every-rule-on-the-engine.md). \
How to exempt a resource: [exemptions](#exemptions).
"""
_EXEMPTIONS = """
## Exemptions

What has to be let pass stands in [exemptions.yaml](../../policies/exemptions.yaml), which the gate and the packs on \
the engine both read:

```yaml
exemptions:
  - rule: NAME-OF-THE-RULE
    resource: urn:pulumi:prod::hybrid::*$aws:s3/bucket:Bucket::media   # ends with TYPE::NAME
    reason: why it may be so, in a sentence
    owner: somebody@example.com
    expires: 2027-01-31                                                # a year ahead at most
```

One that has expired or ends too late, that nothing needs, that names no rule or matches more than three resources \
fails the gate and exempts nothing; every report lists the others. Whether something needs it is judged only where \
every stack that its pattern may be for is gated: `./hybrid gate dev` lets one for `*$TYPE::NAME` pass unused, because \
prod may need it, and says so; `./hybrid gate dev prod` does not. A pack does not start on the engine while the file \
has a fault.
"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """Rules that are judged together."""

    name: str
    folder: str
    description: str
    rules: Sequence[Rule | StackRule | GateRule]
    topics: Mapping[str, str] = field(default_factory=dict)
    """What each file of rules is about, by the file's name."""


def groups() -> list[Group]:
    """Every pack, and the gate's own rules last."""
    packs = [
        Group(
            name=folder.name,
            folder=f"../../policies/{folder.name}/",
            description=str(yaml.safe_load((folder / "PulumiPolicy.yaml").read_text())["description"]).strip(),
            rules=gathered(f"policies.{folder.name}"),
            topics=dict(_topics(folder)),
        )
        for folder in folders()
    ]
    own = Group(
        name="the gate",
        folder="../../policies/gate/rules.py",
        description="What no pack can judge: packs get secrets decrypted and unmarked, and see one moment only.",
        rules=GATE_RULES,
    )
    return [*packs, own]


def _topics(folder: Path) -> Iterator[tuple[str, str]]:
    for file in sorted(folder.glob("*.py")):
        source = file.read_text()
        if "\nRULES" in source:
            yield file.name, (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].replace("\n", " ")


def text() -> str:
    """The whole page: of each group a table of its rules, and a section for each of them."""
    return "\n".join(_page(groups()))


def _page(found: Sequence[Group]) -> Iterator[str]:
    yield _INTRODUCTION
    for group in found:
        yield f"## [{group.name}]({group.folder})\n\n{group.description}\n"
        yield from (f"* [{file}]({group.folder}{file}): {topic}" for file, topic in group.topics.items())
        if group.topics:
            yield ""
        yield "| Rule | What it holds | Severity |"
        yield "|---|---|---|"
        for rule in group.rules:
            yield f"| [`{rule.name}`](#{rule.name}) | {_cell(rule.description)} | {_severity(rule)} |"
        yield ""
        for rule in group.rules:
            yield from _section(group, rule)
    yield _EXEMPTIONS.lstrip("\n")


def _section(group: Group, rule: Rule | StackRule | GateRule) -> Iterator[str]:
    # The heading is the anchor that reports link to.
    yield f"### {rule.name}\n"
    yield f"{rule.description}\n"
    yield f"Severity: {_severity(rule)}. Judged by {group.name}, {_scope(rule)}.\n"
    yield f"**Why.** {rule.reason}\n"
    yield f"**What to do.** {rule.remediation}\n"
    if not isinstance(rule, GateRule):
        yield f"**Before deployment.** {' '.join(_before_deployment(rule))}\n"


def _before_deployment(rule: Rule | StackRule) -> Iterator[str]:
    if rule.may_wait:
        yield f"A value that is not known yet is not a violation: {rule.may_wait}."
        yield "The gate on the deployed state judges it."
    if rule.passes_unknown:
        yield f"A text that is not known yet is passed over: {rule.passes_unknown}."
    if not rule.may_wait and not rule.passes_unknown:
        yield "A value that is not known yet breaks this rule: what can't be checked is not passed."


def _severity(rule: Rule | StackRule | GateRule) -> str:
    return rule.severity if isinstance(rule, GateRule) else rule.severity.value


def _scope(rule: Rule | StackRule | GateRule) -> str:
    if isinstance(rule, GateRule):
        return "by what a plan, a file or an earlier plan shows"
    if isinstance(rule, StackRule):
        return "by all resources together"
    if rule.types:
        return f"by each {' and '.join(f'`{token}`' for token in rule.types)}"
    return "by each resource"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(text())
