"""The rules of secrets."""

from policies.rule import Rule, StackRule
from policies.secrets import credentials, inputs, outputs, user_data, variables

RULES: tuple[Rule | StackRule, ...] = (
    *user_data.RULES,
    *variables.RULES,
    *inputs.RULES,
    *outputs.RULES,
    *credentials.RULES,
)
