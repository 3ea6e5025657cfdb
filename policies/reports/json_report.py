"""For programs: `stacks`, `elsewhere`, `searched` (files and commits, or null), `known_lines` and `exemptions`."""

import dataclasses
import json

from policies.findings import Outcome


def written(outcome: Outcome) -> str:
    """One object; `passed` is the whole answer."""
    document = {
        "passed": outcome.is_passed,
        "stacks": [dataclasses.asdict(verdict) for verdict in outcome.verdicts],
        "elsewhere": [dataclasses.asdict(finding) for finding in outcome.elsewhere],
        "searched": dataclasses.asdict(outcome.searched) if outcome.searched else None,
        "known_lines": list(outcome.known_lines),
        "exemptions": [
            {**dataclasses.asdict(exemption), "note": outcome.note(exemption).strip(" ()")}
            for exemption in outcome.exemptions
        ],
    }
    # Dates are the only values that JSON does not have.
    return json.dumps(document, indent=2, ensure_ascii=False, default=str)
