"""The rules of residency, by topic."""

from policies.residency import edge, firewall, regions
from policies.rule import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (*regions.RULES, *edge.RULES, *firewall.RULES)
