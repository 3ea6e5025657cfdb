"""The residency map as a page for an auditor: what is kept where, its proof, the rules, and what is exempted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pictures import residency
from pictures.drawing import TEMPLATES
from policies.exemptions.exemption import Exemption
from policies.map.residency import ResidencyMap


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What the page was made from, and when."""

    source: str
    """A stack's program, or a file."""
    date: str
    commit: str
    """Of the repository, and whether files differ from it."""


def html(
    found: ResidencyMap, origin: Origin, rules: Mapping[str, tuple[str, str]], exemptions: Sequence[Exemption]
) -> str:
    """The page, which needs no other file; `rules` are pack and description by name."""
    used = {entry.rule for entry in found.entries} | {flow.rule for flow in found.flows}
    text: str = TEMPLATES.get_template("evidence.html.j2").render(
        found=found,
        origin=origin,
        picture=residency.svg(found),
        rules=[(name, *rules[name]) for name in sorted(used) if name in rules],
        exemptions=[one for one in exemptions if one.is_about(found.stack)],
    )
    return text
