"""The rules of residency, by topic."""

from policies.residency import edge, firewall, regions, storage
from policies.rule import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (*regions.RULES, *storage.RULES, *edge.RULES, *firewall.RULES)
