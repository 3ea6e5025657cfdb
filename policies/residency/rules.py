"""The rules of residency, by topic."""

from policies.residency import database, destinations, edge, edge_stores, regions, routes, storage, written_regions
from policies.rule import Rule, StackRule

RULES: tuple[Rule | StackRule, ...] = (
    *regions.RULES,
    *written_regions.RULES,
    *storage.RULES,
    *database.RULES,
    *edge.RULES,
    *edge_stores.RULES,
    *routes.RULES,
    *destinations.RULES,
)
