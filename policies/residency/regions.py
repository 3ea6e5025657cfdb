"""Where AWS resources are, which types may be used at all, and which regions stand in texts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity
from pulumi_policy.proxy import UnknownValueError

from components.common.labels import DataClass
from components.resource_types import tokens
from components.resource_types.row import Location
from components.resource_types.table import judged, line, of
from policies.residency.written import plain, written
from policies.rules.rule import Rule, StackRule

CANADIAN_REGIONS = ("ca-central-1", "ca-west-1")
# As `ca-central-1a`, and by ID as `cac1-az1` (AWS, availability zones).
_ZONE = re.compile(r"(ca-(central|west)-1[a-z]|ca[cw]1-az[0-9])")
# The engine names a provider so that it makes up itself.
_DEFAULT_PROVIDER = re.compile(r"default(_.*)?")
_REGION_KEYS, _ZONE_KEY = ("region", "regions"), "availabilityzone"
_TAG, _WORD = "data-class", "data-class:"
_POINTS = "(?:north|south)?(?:east|west)|north|south|central"
_REGION = re.compile(
    rf"(?<![a-z0-9])(?:(?:af|ap|ca|cn|eu|il|me|mx|sa|us)(?:-gov|-isof?b?e?)?|eusc-de)-(?:{_POINTS})-[0-9]+"
)
# Texts that hold none of these hold no region, and most do not.
_HINT = re.compile(r"east|west|north|south|central|amazonaws|arn:aws-|mrk-|\.mrap|-az[0-9]")
_OTHERS: dict[str, re.Pattern[str]] = {
    "a region outside of Canada, by another name": re.compile(
        rf"(?<![a-z0-9])(?:us|eu|ap|sa|af|me|cn|il|mx)[_ ]?(?:gov[_ ]?)?(?:{_POINTS})"
        # A number before another word belongs to a street address.
        r"(?:_?[0-9](?![a-z0-9])| [0-9](?![a-z0-9]| [a-z])| ?\()"
    ),
    "another cloud's region": re.compile(
        rf"(?<![a-z0-9])(?:us|europe|asia|australia|southamerica|africa|me)-(?:{_POINTS})[0-9]{{1,2}}(?![a-z0-9])"
    ),
    "an availability zone outside of Canada": re.compile(
        r"(?<![a-z0-9])(?!ca[cw]1-)[a-z]{2,3}[nsewc]{1,2}[0-9]-az[0-9]"
    ),
    "another partition of AWS": re.compile(r"(?<![a-z0-9])arn:aws-[a-z]"),
    # A bare s3.amazonaws.com is the name of a service in a policy.
    "an endpoint of S3 that is not of one region": re.compile(
        r"(?:://|[a-z0-9]\.)s3(?:-accelerate|-external-1)?(?:\.dualstack)?\.amazonaws\.com|s3-global\.amazonaws\.com"
    ),
    "an access point of several regions": re.compile(r"\.mrap(?![a-z0-9])"),
    "a key of several regions": re.compile(r"(?<![a-z0-9])mrk-[0-9a-f]{32}"),
}
# resources-are-in-canada judges these.
_JUDGED = ("region", "availabilityZone")


def _service_is_judged(args: ResourceValidationArgs) -> Iterator[str]:
    row = judged(args.resource_type)
    if row is None:
        yield f"This resource is of a type that nobody has judged; the line to add is: {line(args.resource_type)}."
    elif row.location is Location.ELSEWHERE:
        yield f"This type of resource takes data out of Canada, or out of sight: {row.why}"


def _region_is_canadian(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type == tokens.AWS_PROVIDER:
        if args.props.get("region") not in CANADIAN_REGIONS:
            yield "This AWS provider is not set to a Canadian region."
        return
    if args.resource_type.startswith("aws:"):
        row = judged(args.resource_type)
        # A service that has no region may still be told of one.
        if (row is None or row.location is not Location.GLOBAL) and _region(args) not in CANADIAN_REGIONS:
            yield "This resource is not in a Canadian region, or does not say where it is."
        yield from _names_canadian_places(args.props)


def _region(args: ResourceValidationArgs) -> Any:
    """Its own region or its provider's; a default provider's comes from the environment and may be another tomorrow."""
    own = args.props.get("region")
    if own is not None or args.provider is None or _DEFAULT_PROVIDER.fullmatch(args.provider.name):
        return own
    return args.provider.props.get("region")


def _names_canadian_places(props: Mapping[str, Any]) -> Iterator[str]:
    for path, key, value in _named(props):
        is_zone = key.startswith(_ZONE_KEY)
        if is_zone and not _ZONE.fullmatch(value):
            yield f"Property {path} names an availability zone that is not Canadian."
        elif not is_zone and path != "region" and value not in CANADIAN_REGIONS:
            yield f"Property {path} names a region that is not Canadian."


def _named(value: Any, path: str = "", key: str = "") -> Iterator[tuple[str, str, str]]:
    """Path, lower-case key and value of every text under a key that is about regions or zones, at any depth.

    Raises UnknownValueError for such a value that is not known, and passes over others.
    """
    if isinstance(value, Mapping):
        for name in value:
            yield from _named_at(value, name, f"{path}.{name}" if path else str(name), str(name).lower())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index in range(len(value)):
            yield from _named_at(value, index, f"{path}[{index}]", key)
    elif value and isinstance(value, str) and _is_about_places(key):
        yield path, key, value


def _is_about_places(key: str) -> bool:
    # `multiRegion` is a switch; keys-stay-in-their-region judges it.
    return (key.endswith(_REGION_KEYS) and not key.startswith("multi")) or key.startswith(_ZONE_KEY)


def _named_at(values: Any, step: Any, path: str, key: str) -> Iterator[tuple[str, str, str]]:
    try:
        value = values[step]
    except UnknownValueError:
        if _is_about_places(key):
            raise
        return
    # Tags are people's words, not places.
    if key not in ("tags", "tagsall"):
        yield from _named(value, path, key)


def _class_fits(args: ResourceValidationArgs) -> Iterator[str]:
    row = judged(args.resource_type)
    if row is None:
        return
    declared = list(_declared_classes(args.props))
    if args.resource_type.startswith("hybrid:") and not declared:
        yield "This component does not declare the class of its data."
    for data_class in declared:
        if data_class not in list(DataClass):
            yield "This resource declares a class of data that does not exist."
        elif not row.admits(DataClass(data_class)):
            yield f"This resource is declared to hold data that does not belong there, {row.most} at most."


def _declared_classes(props: Mapping[str, Any]) -> Iterator[Any]:
    """Classes declared by a component's input, a tag of AWS, or a label of Cloudflare."""
    if props.get("dataClass") is not None:
        yield props["dataClass"]
    tags = props.get("tags") or {}
    if isinstance(tags, Mapping):
        if _TAG in tags:
            yield tags[_TAG]
    else:
        yield from (word.removeprefix(_WORD) for word in tags if isinstance(word, str) and word.startswith(_WORD))


def _written_regions_are_canadian(args: ResourceValidationArgs) -> Iterator[str]:
    code = of(args.resource_type).code
    judged = _JUDGED if args.resource_type.startswith("aws:") or args.resource_type == tokens.AWS_PROVIDER else ()
    found: dict[tuple[str, str], None] = {}
    for path, text in written(args.props):
        if path in judged or path.startswith(code):
            continue
        for what in foreign(text):
            found[path, what] = None
        # A region may be a key, as of a map from regions to buckets.
        for what in foreign(plain(path)):
            found[path.split(".")[0], f"a key that names {what}"] = None
    for path, what in found:
        yield f"Property {path} holds {what}."


def foreign(text: str) -> Iterator[str]:
    """Phrases for what a text in lower case names that is not in Canada."""
    if not _HINT.search(text):
        return
    if any(region not in CANADIAN_REGIONS for region in _REGION.findall(text)):
        yield "a region outside of Canada"
    yield from (what for what, pattern in _OTHERS.items() if pattern.search(text))


RULES: tuple[Rule | StackRule, ...] = (
    Rule(
        name="services-are-judged",
        description="Only types of resource are used of which somebody has found out where they keep data.",
        reason="A type may keep data elsewhere than its neighbours do: Lightsail's domains are in Virginia (AWS,"
        " Lightsail DNS zones), and some types of a Canadian service copy to any region. So each is judged by its full"
        " token, and a new one is refused until somebody has looked.",
        severity=Severity.CRITICAL,
        remediation="Use a type that keeps data in Canada, or find out where this one does and add its line.",
        check=_service_is_judged,
    ),
    Rule(
        name="resources-are-in-canada",
        description="Every AWS resource is in ca-central-1 or ca-west-1, by its own words or an explicit provider's.",
        reason="AWS keeps data in the region where it was put, and only these two are in Canada (AWS, regions and"
        " zones). A default provider takes its region from the environment of whoever deploys, which no review sees.",
        severity=Severity.CRITICAL,
        remediation="Set its region to ca-central-1.",
        check=_region_is_canadian,
    ),
    Rule(
        name="data-fits-its-place",
        description="Nothing is declared to hold more delicate data than its place may hold.",
        reason="Names and policies of IAM are in every region, and Cloudflare's stores are wherever Cloudflare likes"
        " (Cloudflare, Data Localization). components/resource_types/ says of every type what it may hold.",
        severity=Severity.CRITICAL,
        remediation="Keep that data in S3 or PostgreSQL in Montreal, or declare the class that it really has.",
        check=_class_fits,
    ),
    Rule(
        name="written-regions-are-canadian",
        description="No ARN, host name, policy or other text names a region outside of Canada.",
        reason="A resource in Montreal can still send data away: by an ARN of another region, an endpoint, a policy in"
        " JSON text. S3's endpoint without a region is in Virginia (AWS, S3 endpoints).",
        severity=Severity.CRITICAL,
        remediation="Name ca-central-1 or ca-west-1.",
        may_wait="what a cloud makes up names the region of the resource that it belongs to, which is judged",
        check=_written_regions_are_canadian,
    ),
)
