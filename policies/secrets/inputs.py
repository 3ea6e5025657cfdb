"""Secrets in any property: by their form, by their entropy, whole or in two halves."""

from collections.abc import Iterator

from pulumi_policy import ResourceValidationArgs, Severity

from policies import scanner
from policies.rule import Rule
from policies.secrets.places import Place, texts

# Half a resource's texts are tags; more than these together are no way that a person would split a secret.
MOST_PIECES = 400


def _inputs_are_clean(args: ResourceValidationArgs) -> Iterator[str]:
    for place in texts(args):
        for what in () if place.is_sensitive else scanner.found(place.text, place.name):
            yield f"Property {place.path} holds {what}." if place.path != "its name" else f"Its name holds {what}."


def _secrets_are_not_split(args: ResourceValidationArgs) -> Iterator[str]:
    places = [place for place in texts(args) if not place.is_sensitive and place.text][:MOST_PIECES]
    for first, second in scanner.split([(place.name, place.text) for place in places]):
        yield f"{_words(places[first])} and {_words(places[second])} hold a secret together."
        # Of many random values every pair would be one.
        return


def _words(place: Place) -> str:
    return "Its name" if place.path == "its name" else f"property {place.path}"


_UNWRITTEN = (
    "what a cloud makes up is nobody's writing. The gate on the recorded plan judges what the program wrote around it "
    "and whether it is made of a secret, lists a text of which it knows neither, and judges all of it in the state"
)

RULES = (
    Rule(
        name="inputs-hold-no-known-secret",
        description="Nothing that looks like a key, a token or a password stands where it is not kept secret.",
        reason=(
            "Tags, names, descriptions, policies and variables can be read by whoever may look at the resource, and "
            "stand in the state in the clear. Base64, gzip and JSON hide nothing. Judged by the issuers' published "
            "formats and by entropy (bc-detect-secrets and patterns of our own)."
        ),
        severity=Severity.CRITICAL,
        remediation="Make it a secret setting, or generate it with RandomPassword; then renew it, it has been seen.",
        passes_unknown=_UNWRITTEN,
        check=_inputs_are_clean,
    ),
    Rule(
        name="secrets-are-not-split",
        description="No two values of a resource make a secret when they are put together.",
        reason="Half a key in each of two tags gets past a search of each, and is as public as a whole one.",
        severity=Severity.CRITICAL,
        remediation="Hand it over as one secret, and renew it.",
        passes_unknown=_UNWRITTEN,
        check=_secrets_are_not_split,
    ),
)
