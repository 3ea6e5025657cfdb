"""The rules of safety, by topic."""

from policies.rule import Rule, StackRule
from policies.safety import (
    backups,
    buckets,
    cost,
    durability,
    exposure,
    failover,
    firewall,
    identity,
    standby,
    trust,
    tunnel,
)

RULES: tuple[Rule | StackRule, ...] = (
    *firewall.RULES,
    *tunnel.RULES,
    *exposure.RULES,
    *buckets.RULES,
    *durability.RULES,
    *backups.RULES,
    *failover.RULES,
    *standby.RULES,
    *identity.RULES,
    *trust.RULES,
    *cost.RULES,
)
