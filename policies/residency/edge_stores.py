"""What Cloudflare may store, and what Workers are given to store in."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pulumi_policy import PolicyResource, ResourceValidationArgs, Severity, StackValidationArgs
from pulumi_policy.proxy import UnknownValueError

from components.common.labels import DataClass
from components.common.public_names import not_public
from components.resource_types import tokens
from components.resource_types.row import Location
from components.resource_types.table import RESOURCE_TYPES, judged
from policies.rules.reading import each_to_the_end, known
from policies.rules.rule import Rule, StackRule

LIMITED = (DataClass.NONE, DataClass.PUBLIC)
WORKERS = (tokens.WORKER, "cloudflare:index/workersDeployment:WorkersDeployment")
# Not R2's settings, which belong to a bucket that is judged.
STORES = frozenset(
    token
    for token, row in RESOURCE_TYPES.items()
    if row.location is Location.EDGE
    and row.most is DataClass.PUBLIC
    and not row.passes
    and not token.startswith("cloudflare:index/r2")
    and token != tokens.PAGES_PROJECT
)
# Nothing stays in these; every other type of binding stores, sends or hides something.
PASSING = frozenset(
    (
        "assets",
        "data_blob",
        "hyperdrive",
        "json",
        "mtls_certificate",
        "plain_text",
        "r2_bucket",
        "ratelimit",
        "secret_key",
        "secret_text",
        "secrets_store_secret",
        "service",
        "text_blob",
        "version_metadata",
        "vpc_service",
        "wasm_module",
    )
)
# Bound by an ID that Cloudflare makes up.
_BY_ID = {
    "hyperdrive": (tokens.HYPERDRIVE, "a Hyperdrive configuration"),
    "vpc_service": (tokens.CONNECTIVITY_SERVICE, "a service of a network"),
}
# Durable Objects' classes, and containers, which run anywhere.
_OWN_STORES = ("migrations", "containers")
# Settings and files of Pages Functions that store nothing.
_PAGES_SETTINGS = ("envVars", "secrets", "compatibilityDate", "compatibilityFlags", "placement", "limits")
NEAR = "enam"


def _r2_is_public(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    for resource in args.resources:
        if resource.resource_type != tokens.R2_BUCKET:
            continue
        if data_class(resource) != DataClass.PUBLIC:
            yield "This R2 bucket is not declared to hold public data only.", resource.urn
        if not_public(str(known(resource.props, "name") or "")):
            yield "This R2 bucket is called after data that is not public.", resource.urn


def _r2_is_near(args: ResourceValidationArgs) -> Iterator[str]:
    if str(args.props.get("location")).lower() != NEAR:
        yield "This R2 bucket has no hint that it belongs in the east of North America."
    if args.props.get("jurisdiction") not in (None, "default"):
        yield "This R2 bucket is put under another country's jurisdiction."


def _stores_are_public(args: StackValidationArgs) -> Iterator[tuple[str, str]]:
    buckets = {known(found.props, "name") for found in args.resources if found.resource_type == tokens.R2_BUCKET}
    workers = declared_workers(args.resources)

    def check(resource: PolicyResource) -> Iterator[str]:
        if resource.resource_type in STORES and data_class(resource) not in LIMITED:
            yield "This stores data at the edge and is not declared to hold public data only."
        if resource.resource_type == tokens.WORKER_VERSION:
            yield from (f"{fault}." for fault in _faults_of_bindings(resource, buckets, workers))

    yield from each_to_the_end(args.resources, check)


def data_class(resource: PolicyResource) -> str | None:
    """Class of the nearest component that registers one, or whose type allows public data at most; else None.

    What other components declare are inputs, which a stack rule does not see.
    """
    parent = resource.parent
    while parent is not None:
        if "dataClass" in parent.props:
            return str(parent.props["dataClass"])
        place = judged(parent.resource_type)
        if place is not None and parent.resource_type.startswith("hybrid:") and place.most in LIMITED:
            return str(place.most)
        parent = parent.parent
    return None


def declared_workers(resources: Iterable[PolicyResource]) -> set[Any]:
    """Names of the declared Workers."""
    declared = (found for found in resources if found.resource_type in WORKERS)
    return {name for found in declared for key in ("name", "scriptName") if (name := known(found.props, key))}


def _faults_of_bindings(version: PolicyResource, buckets: set[Any], workers: set[Any]) -> Iterator[str]:
    is_limited = data_class(version) in LIMITED
    bindings = version.props.get("bindings") or []
    made_of = {found.resource_type for found in version.property_dependencies.get("bindings", [])}
    for key in _OWN_STORES:
        if version.props.get(key) and not is_limited:
            yield f"This Worker has {key} of its own, and it is not for public data only"
    for index in range(len(bindings)):
        binding = bindings[index]
        kind = binding["type"]
        if kind not in PASSING and not is_limited:
            yield f"Binding {index} of this Worker stores or sends data, and the Worker is not for public data only"
        elif kind == "r2_bucket":
            if not _is_own(binding, "bucketName", buckets, made_of, (tokens.R2_BUCKET,)) or binding.get("jurisdiction"):
                yield f"Binding {index} of this Worker is an R2 bucket that this stack does not declare"
        elif kind == "service":
            if not _is_own(binding, "service", workers, made_of, WORKERS):
                yield f"Binding {index} of this Worker hands requests to a Worker that this stack does not declare"
        elif kind in _BY_ID and _BY_ID[kind][0] not in made_of:
            yield f"Binding {index} of this Worker is {_BY_ID[kind][1]} that this stack does not declare"


def _is_own(binding: Mapping[str, Any], key: str, names: set[Any], made_of: set[str], types: tuple[str, ...]) -> bool:
    """Whether the stack declares it: by name, or, while that is unknown, by what the bindings are made of."""
    try:
        return binding.get(key) is not None and binding[key] in names
    except UnknownValueError:
        return any(found in made_of for found in types)


def _pages_store_nothing(args: ResourceValidationArgs) -> Iterator[str]:
    configurations = args.props.get("deploymentConfigs") or {}
    for side in configurations:
        settings = configurations[side] or {}
        for key in settings:
            is_store = isinstance(settings[key], Mapping) and key not in _PAGES_SETTINGS
            if is_store and settings[key]:
                yield f"Functions of this Pages project are given {key}, and no rule looks at what they do with it."


RULES: tuple[Rule | StackRule, ...] = (
    StackRule(
        name="r2-holds-public-data-only",
        description="R2 has no Canadian jurisdiction, so only public data goes there.",
        reason="R2's jurisdictions are the European Union, FedRAMP and the United States; a location hint is best"
        " effort and heeded only when a bucket of that name is first made (Cloudflare, R2 data location).",
        severity=Severity.CRITICAL,
        remediation="Declare it with MediaBucket, or keep the data in S3 in ca-central-1.",
        check=_r2_is_public,
    ),
    Rule(
        name="r2-is-near",
        description="R2 buckets have the hint for eastern North America and no other country's jurisdiction.",
        reason="The hint is what R2 has instead of a Canadian jurisdiction, and counts once, when a bucket of that name"
        " is first made; enam is the one that has Montreal in it (Cloudflare, R2 data location).",
        severity=Severity.MEDIUM,
        remediation="Set location to enam, and leave jurisdiction out.",
        types=(tokens.R2_BUCKET,),
        check=_r2_is_near,
    ),
    StackRule(
        name="edge-stores-hold-public-data-only",
        description="KV, D1, Queues, Durable Objects and their like belong to what is declared to hold public data.",
        reason="Cloudflare keeps their data wherever it likes, and no jurisdiction is Canada (Cloudflare, Data"
        " Localization compatibility). What a Worker for regulated data is given to store in, it may fill.",
        severity=Severity.CRITICAL,
        remediation="Keep the data in PostgreSQL, or declare the store and its Worker in a component of public data.",
        check=_stores_are_public,
    ),
    Rule(
        name="pages-functions-hold-nothing",
        description="Pages projects serve files and are given no store, database or queue.",
        reason="Functions of Pages run everywhere and can't be placed in Montreal as Workers are (Cloudflare, Pages"
        " Functions).",
        severity=Severity.HIGH,
        remediation="Declare a Worker for what needs it.",
        types=(tokens.PAGES_PROJECT,),
        check=_pages_store_nothing,
    ),
)
