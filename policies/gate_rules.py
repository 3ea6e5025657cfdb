"""The gate's own rules: what no pack can judge on the engine."""

from dataclasses import dataclass

from policies import sensitive
from policies.findings import PACK, JudgedRule

IGNORED_RULE = "judged-properties-are-not-ignored"
KEPT_RULE = "protected-data-is-kept"
RECORDS_RULE = "dns-records-are-kept"
REPOSITORY_RULE = "repository-holds-no-secret"
EXEMPTIONS_RULE = "exemptions-are-sound"


@dataclass(frozen=True, kw_only=True)
class GateRule(JudgedRule):
    """A rule of the gate, with why it is one."""

    reason: str
    pack: str = PACK


RULES: tuple[GateRule, ...] = (
    GateRule(
        name=sensitive.INPUTS_RULE,
        description="Inputs made for secrets, such as passwords and SecureStrings, are given as secret outputs.",
        reason=(
            "An input that is not marked as secret stands in the state in the clear, and in every preview. "
            "Packs get secrets decrypted and unmarked, so only the gate, which has the marks, can tell (pulumi-policy, "
            "deserialize_properties)."
        ),
        severity="critical",
        remediation="Give it as a secret output.",
    ),
    GateRule(
        name=sensitive.PLACES_RULE,
        description="A secret output goes only into a property that is made for secrets.",
        reason=(
            "A tag, a description or a variable shows its value to whoever may look at the resource, whatever mark it "
            "bears in the state. What is made of a secret without its mark (`Output.unsecret`) stands in the state in "
            "the clear as well; the recorded plan says what a value is made of."
        ),
        severity="critical",
        remediation="Hand it over as an SSM SecureString, a secret_text binding or the service's own kind of secret.",
    ),
    GateRule(
        name=sensitive.STATE_RULE,
        description="No ID and no output of what is deployed is a secret in the clear.",
        reason=(
            "Whoever may read the state reads it. A provider gives inputs back as outputs, under other names and "
            "without their marks; judged by the issuers' formats, because what a cloud makes up is random, too."
        ),
        severity="critical",
        remediation="Renew it, it has been seen; then give it as a secret output, and refresh.",
    ),
    GateRule(
        name=sensitive.EXPORTS_RULE,
        description="An export that is not secret holds nothing that looks like a secret, and no secret output.",
        reason="Exports stand in the state, are printed after each update, and other stacks may read them.",
        severity="critical",
        remediation="Leave it out, or export it as a secret output.",
    ),
    GateRule(
        name=sensitive.SETTINGS_RULE,
        description="A setting that is not encrypted holds nothing that looks, or is called, like a secret.",
        reason=(
            "Pulumi.STACK.yaml is in the repository, and the engine writes plain settings into the state and every "
            "preview (Pulumi, Configuration)."
        ),
        severity="critical",
        remediation="Renew it, it has been seen, and set it anew with `pulumi config set --secret`.",
    ),
    GateRule(
        name=IGNORED_RULE,
        description="Changes are ignored only of properties for which the table of policies/ignored.py has a reason.",
        reason=(
            "The engine does not set a property whose changes are ignored, so a firewall or a switch may stay open "
            "while the program, and every rule that judges it, says that it is shut."
        ),
        severity="high",
        remediation="Take it out of ignore_changes, or add it with its reason to REASONS in policies/ignored.py.",
    ),
    GateRule(
        name=KEPT_RULE,
        description="Nothing that is protected is deleted, replaced or loses its protection.",
        reason=(
            "Protected resources hold data. The engine refuses to delete one, but not to take its protection away, "
            "which is the first half of the same act."
        ),
        severity="critical",
        remediation="Keep it; where it has to go, exempt it here, with a date and after a restore has been tried.",
    ),
    GateRule(
        name=RECORDS_RULE,
        description="At most one DNS record is deleted or replaced at a time.",
        reason=(
            "A record that is replaced is away for a moment, and resolvers remember that it was away. One is a "
            "change; several at once are more often a mistake in a setting (as octoDNS, which refuses large plans)."
        ),
        severity="high",
        remediation="Change them one by one, or exempt those that are meant.",
    ),
    GateRule(
        name=REPOSITORY_RULE,
        description="No file of the repository and none of its history holds a secret.",
        reason="Whoever has a clone has every version of every file. A secret that was once pushed has been seen.",
        severity="critical",
        remediation="Renew the secret first; then take it out, and out of the history.",
    ),
    GateRule(
        name=EXEMPTIONS_RULE,
        description="Every exemption is for a rule that is there, needed, narrow and not expired.",
        reason="An exemption that nobody needs any more waits for the next mistake to let it pass.",
        severity="high",
        remediation="Mend policies/exemptions.yaml.",
    ),
)
BY_NAME = {rule.name: rule for rule in RULES}
