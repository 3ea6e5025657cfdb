"""Who can become a user of production, and what a stolen password is worth there."""

from collections.abc import Iterator

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs

from components.resource_types import tokens
from policies.rules.reading import each, is_prod, of_type, parents, value
from policies.rules.rule import Rule, StackRule


def _people_are_invited(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    def check(pool: PolicyResource) -> Iterator[str]:
        if not is_prod(pool.urn) or value(pool.props, "adminCreateUserConfig", "allowAdminCreateUserOnly") is True:
            return
        declared = [found for found in parents(pool) if found.resource_type == tokens.IDENTITY]
        if not any(value(found.props, "publicSignUp") is True for found in declared):
            yield "Anybody may register in this pool of production, and no setting says so."

    yield from each(of_type(args.resources, tokens.USER_POOL), check)


def _pools_are_guarded(args: ResourceValidationArgs) -> Iterator[str]:
    if not is_prod(args.urn):
        return
    if value(args.props, "mfaConfiguration") != "ON":
        yield "A password alone opens an account of this pool of production."
    if value(args.props, "deletionProtection") != "ACTIVE":
        yield "This pool of production can be deleted with everybody's account, also past the engine."


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="people-are-invited",
        description="In production nobody registers without an invitation, unless publicSignUp says so.",
        reason=(
            "A user pool takes anybody who finds its pages, which are public, unless it is told not to "
            "(AWS, Cognito: Signing up and confirming user accounts)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with Identity, and set publicSignUp where everybody is meant.",
        check=_people_are_invited,
    ),
    Rule(
        name="user-pools-are-guarded",
        description="A user pool of production asks for a second factor, and AWS refuses to delete it.",
        reason=(
            "Passwords are phished and used again elsewhere. A pool has no backup: who deletes it deletes everybody's "
            "account (AWS, Cognito: MFA; Deletion protection)."
        ),
        severity=Severity.HIGH,
        remediation="Declare it with Identity.",
        types=(tokens.USER_POOL,),
        check=_pools_are_guarded,
    ),
)
