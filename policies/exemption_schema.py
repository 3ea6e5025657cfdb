"""The shape of an exemption, checked; apart because pydantic is slow to load and packs seldom need it."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from policies.exemptions import is_named

SHORTEST_REASON = 20
_RULE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+")
_OWNER = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
# By pydantic's own names of the faults; its words would quote the value.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is no field of an exemption; allowed: rule, resource, reason, owner, expires",
    "string_type": "is no text",
    "date_type": "is no date; allowed: 2027-01-31",
    "string_too_short": f"says too little; allowed: {SHORTEST_REASON} characters at least",
}


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, str_strip_whitespace=True)

    rule: str
    resource: str
    reason: Annotated[str, Field(min_length=SHORTEST_REASON)]
    owner: str
    expires: date

    @field_validator("rule")
    @classmethod
    def _is_a_rule(cls, text: str) -> str:
        return _matching(text, _RULE.fullmatch(text), "is no name of a rule; allowed: words-with-hyphens")

    @field_validator("owner")
    @classmethod
    def _is_somebody(cls, text: str) -> str:
        return _matching(text, _OWNER.fullmatch(text), "is nobody; allowed: an e-mail address")

    @field_validator("resource")
    @classmethod
    def _is_one_resource(cls, text: str) -> str:
        fault = "is too broad; allowed: a URN that ends with type and name, such as *$aws:s3/bucket:Bucket::media"
        return _matching(text, is_named(text), fault)


def check(entry: Any) -> tuple[list[str], dict[str, Any] | None]:
    """Faults of an entry, and its values where it has none."""
    if not isinstance(entry, dict):
        return ["is no exemption; allowed: rule, resource, reason, owner, expires"], None
    try:
        return [], _Entry.model_validate(entry).model_dump()
    except ValidationError as error:
        return [f"{'.'.join(map(str, fault['loc']))}: {_in_words(fault)}" for fault in error.errors()], None


def _in_words(fault: Any) -> str:
    if fault["type"] == "value_error":
        return str(fault["ctx"]["error"])
    return _WORDS.get(fault["type"], "is not allowed")


def _matching(text: str, is_right: object, fault: str) -> str:
    if not is_right:
        raise ValueError(fault)
    return text
