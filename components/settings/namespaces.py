"""Settings outside the program's own namespace: which somebody reads, and which are a mistake."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping

from components.common.regions import COPY_REGION, HOME_REGION
from components.settings.stack_file import PROJECT

# The engine's own (Pulumi, Configuration).
ENGINE = ("pulumi:autonaming", "pulumi:disable-default-providers", "pulumi:tags", "pulumi:template")
# The program names its regions itself; this one is what `pulumi new` writes, and other tools read.
REGION = "aws:region"
REGIONS = (HOME_REGION, COPY_REGION)
# How much of a name has to be right for it to be taken for a slip.
LIKENESS = 0.8
LONGEST_SHOWN = 40


# Words, as people name settings. Anything else in a name's place may be a secret, and is not shown.
WORDS = re.compile(r"(?:[a-z][a-z-]{0,31}:)?[a-z]{1,20}(?:[A-Z][a-z]{1,20}){0,5}")


def shown(key: str) -> str:
    """A key that nobody knows, for a message."""
    return key if WORDS.fullmatch(key) and len(key) <= LONGEST_SHOWN else "[a key]"


def faults(raw: Mapping[str, str], names: Collection[str]) -> Iterator[str]:
    """What nobody reads, or says another country; `names` are the program's own settings."""
    known = [*(f"{PROJECT}:{name}" for name in names), *ENGINE, REGION]
    for key, text in sorted(raw.items()):
        if key == REGION and text not in REGIONS:
            yield f"{key}: is not in Canada; allowed: {' or '.join(REGIONS)}"
        elif key not in known and not key.startswith(f"{PROJECT}:"):
            near, name = nearest(key, known), shown(key)
            yield (
                f"{name}: is not a setting; did you mean {near}?"
                if near
                else (
                    f"{name}: is not read: the program configures its providers, with credentials from the "
                    f"environment; allowed: {PROJECT}:… (Pulumi.yaml lists all), {', '.join([*ENGINE, REGION])}"
                )
            )


def nearest(key: str, known: Collection[str]) -> str | None:
    """The key that was probably meant."""
    return next(iter(difflib.get_close_matches(key, known, n=1, cutoff=LIKENESS)), None)
