"""What one resource says about where data is: one finding a place, with the property that proves it."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from components.common.labels import DataClass
from components.resource_types.row import CLASSIFIED, SUMS, Location, Role, Shown
from components.resource_types.table import judged
from plan import failover
from plan.model import PROVIDERS, STACK_TYPE, Computed, Plan, Resource, reveal
from policies import whereabouts
from policies.residency.worker_logs import keeps_calls
from policies.whereabouts import Evidence, Where, at, evidence

IN_CANADA = "resources-are-in-canada"
EDGE_STORES = "edge-stores-hold-public-data-only"
CACHE = "hyperdrive-caches-public-data-only"
EDGE_LOGS = "worker-logs-are-not-handed-on"
PEOPLE = "topics-tell-people"
DESTINATIONS = "destinations-are-judged"
PUBLIC_ROLE = "public_read"
STRICTEST_FIRST = (DataClass.REGULATED, DataClass.PERSONAL, DataClass.PUBLIC, DataClass.NONE)
NOT_DECLARED = "not declared"


@dataclass(frozen=True, kw_only=True)
class Found:
    """One place that one resource names."""

    kind: Shown
    part: str
    """Which of its kind: the component's or the resource's name."""
    data_class: str
    where: Where
    evidence: tuple[Evidence, ...]


def found(plan: Plan, resource: Resource) -> Iterator[Found]:
    """Every place that a resource is, makes or names."""
    kind = _kind(resource.type)
    special = _SPECIAL.get(resource.type)
    if special is None:
        yield _found(plan, resource, kind, *_ground(plan, resource))
    else:
        yield from special(plan, resource, kind)


def declared_class(plan: Plan, resource: Resource) -> str:
    """The strictest of the resource's own tag and of what its nearest component declares."""
    said = {at(resource.inputs, "tags", "data-class")}
    parent = plan.by_urn.get(resource.parent or "")
    while parent is not None and "dataClass" not in parent.inputs:
        parent = plan.by_urn.get(parent.parent or "")
    said.add(parent.inputs["dataClass"] if parent else None)
    return next((str(one) for one in STRICTEST_FIRST if one in said), NOT_DECLARED)


def part(plan: Plan, resource: Resource) -> str:
    """The nearest component's name, which people know, or the resource's own."""
    parent = plan.by_urn.get(resource.parent or "")
    return parent.name if parent and parent.type != STACK_TYPE else resource.name


def _found(
    plan: Plan, resource: Resource, kind: Shown, where: Where, said: list[Evidence], data_class: str = ""
) -> Found:
    if not data_class:
        data_class = DataClass.NONE if kind.role is Role.NEITHER else declared_class(plan, resource)
    return Found(kind=kind, part=part(plan, resource), data_class=str(data_class), where=where, evidence=tuple(said))


def _kind(type_token: str) -> Shown:
    """In words; what the residency pack knows of it stands in where the map has no words of its own."""
    row = judged(type_token)
    if row is None:
        return Shown(type_token, role=Role.HOLDS, rule=CLASSIFIED, note="Nobody has judged this type.")
    if row.shown is not None:
        return row.shown if row.shown in SUMS else replace(row.shown, note=row.shown.note or row.why)
    role = Role.HOLDS if row.most is not DataClass.NONE or row.location is Location.ELSEWHERE else Role.NEITHER
    is_store = row.location is Location.EDGE and not row.passes
    rule = EDGE_STORES if is_store else CLASSIFIED
    if row.location is Location.REGIONAL:
        rule = IN_CANADA
    return Shown(type_token.rpartition(":")[2], role=Role.PASSES if row.passes else role, rule=rule, note=row.why)


def _ground(plan: Plan, resource: Resource) -> tuple[Where, list[Evidence]]:
    """As the residency pack classifies the type."""
    row = judged(resource.type)
    said = [evidence(resource, "type", resource.type)]
    if row is None:
        return whereabouts.UNKNOWN, said
    package = resource.type.removeprefix(PROVIDERS).partition(":")[0]
    if row.location is Location.REGIONAL:
        return whereabouts.regional(plan, resource)
    if row.location is Location.ELSEWHERE:
        return whereabouts.ABROAD, said
    if package == "cloudflare":
        return whereabouts.EDGE, said
    if row.location is Location.GLOBAL:
        return whereabouts.GLOBAL if package == "aws" else whereabouts.THIRD_PARTY, said
    is_in_state = row.location in (Location.LOCAL, Location.COMPONENT)
    return whereabouts.STATE if is_in_state else whereabouts.THIRD_PARTY, said


def _worker_version(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    said = [evidence(resource, "placement.region", at(resource.inputs, "placement", "region"))]
    yield _found(plan, resource, kind, whereabouts.EDGE, said)


def _worker(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _found(plan, resource, kind, *_ground(plan, resource))
    enabled, logs, traces = (at(resource.inputs, "observability", key) for key in ("enabled", "logs", "traces"))
    # What is not known, or secret, is judged as if nothing were said of it.
    parts = [part if isinstance(part, dict) else {} for part in (logs, traces)]
    held = DataClass.PERSONAL if keeps_calls(enabled, *parts) else DataClass.NONE
    if held is DataClass.NONE and not enabled:
        return
    # Each invocation's log has the caller's address and headers in it (Cloudflare, Workers Logs).
    path = "observability.logs.invocationLogs"
    value = at(resource.inputs, *path.split("."))
    kept = Shown(
        what="Workers Logs",
        role=Role.HOLDS,
        rule=EDGE_LOGS,
        note="Kept for up to 7 days, outside Canada; the code logs method, path and reason of a failure.",
    )
    yield _found(plan, resource, kept, whereabouts.EDGE, [evidence(resource, path, value)], held)


def _hyperdrive(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    disabled = at(resource.inputs, "caching", "disabled")
    user = at(resource.inputs, "origin", "user")
    data_class = DataClass.PUBLIC if reveal(user) == PUBLIC_ROLE else declared_class(plan, resource)
    said = [evidence(resource, "caching.disabled", disabled), evidence(resource, "origin.user", user)]
    if disabled is not True:
        kind = Shown(what="Hyperdrive cache", role=Role.HOLDS, rule=CACHE, note="Where it is kept is not documented.")
    yield _found(plan, resource, kind, whereabouts.EDGE, said, data_class)


def _r2(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    said = [evidence(resource, path, resource.inputs.get(path)) for path in ("location", "jurisdiction")]
    yield _found(plan, resource, kind, whereabouts.EDGE, said)


def _instance(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    where, said = whereabouts.regional(plan, resource)
    yield _found(plan, resource, kind, where, said)
    if at(resource.inputs, "addOn", "status") == "Enabled":
        snapshots = Shown(
            what="Lightsail snapshots",
            role=Role.HOLDS,
            rule=IN_CANADA,
            note="In the instance's region (AWS, Lightsail snapshots).",
        )
        added = evidence(resource, "addOn.type", at(resource.inputs, "addOn", "type"))
        yield _found(plan, resource, snapshots, where, [added, *said])


def _parameter(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    where, said = whereabouts.regional(plan, resource)
    yield _found(plan, resource, kind, where, [*said, evidence(resource, "type", resource.inputs.get("type"))])


def _subscription(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _found(plan, resource, kind, *_ground(plan, resource))
    mailbox = Shown(
        what="Mailbox that alarms go to", role=Role.PASSES, rule=PEOPLE, note="Names a fault, holds no rows."
    )
    said = [evidence(resource, path, resource.inputs.get(path)) for path in ("endpoint", "protocol")]
    yield _found(plan, resource, mailbox, whereabouts.THIRD_PARTY, said)


def _identity_provider(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _found(plan, resource, kind, *_ground(plan, resource))
    github = Shown(
        what="GitHub Actions", role=Role.NEITHER, rule=DESTINATIONS, note="Deploys; may not read objects of ours."
    )
    yield _found(
        plan, resource, github, whereabouts.THIRD_PARTY, [evidence(resource, "url", resource.inputs.get("url"))]
    )


def _record(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _found(plan, resource, kind, *_ground(plan, resource))
    content = resource.inputs.get("content")
    if isinstance(content, str) and re.search(r"(^|\.)vercel(-dns(-\w+)?)?\.(com|app)\.?$", content.lower()):
        parent = plan.by_urn.get(resource.parent or "")
        is_standing_by = parent is not None and failover.has_standby(plan, parent)
        standby = Shown(
            what="Vercel, standing by" if is_standing_by else "Vercel, answering",
            role=Role.NEITHER if is_standing_by else Role.PASSES,
            rule=DESTINATIONS,
            note="Functions belong in yul1 (Montreal); the project is not declared here.",
        )
        said = [evidence(resource, "content", content)]
        if parent is not None and (route := failover.switch(plan, parent)):
            said.append(evidence(route, "script", route.inputs.get("script")))
        passed = _class_of_pages(parent) or site_class(plan)
        yield _found(plan, resource, standby, whereabouts.THIRD_PARTY, said, "" if is_standing_by else passed)


def _class_of_pages(component: Resource | None) -> str:
    is_pages = component is not None and component.type == "hybrid:edge:FailoverPagesHost"
    return str(component.inputs.get("dataClass")) if component is not None and is_pages else ""


def site_class(plan: Plan) -> str:
    """What a stand-by that answers lets pass: what the site does."""
    said = {resource.inputs.get("dataClass") for resource in plan.of_type("hybrid:edge:WebSite")}
    return next((str(one) for one in STRICTEST_FIRST if one in said), NOT_DECLARED)


def state(plan: Plan) -> Found | None:
    """Pulumi's own state, which a setting names; its region is that of the key which the deploy role may use."""
    bucket, alias = plan.settings.get("hybrid:stateBucket"), plan.settings.get("hybrid:stateKeyAlias")
    if not isinstance(bucket, str):
        return None
    said = [Evidence(urn=plan.stack_urn, name="settings", path="hybrid:stateBucket", value=bucket, source="")]
    where = whereabouts.UNKNOWN
    for resource in plan.of_type("aws:iam/rolePolicy:RolePolicy"):
        policy = resource.inputs.get("policy")
        for code in _key_regions(policy.template if isinstance(policy, Computed) else policy, alias):
            where = whereabouts.region(code)
            said.append(evidence(resource, "policy", f"arn:aws:kms:{code}"))
    kind = Shown(
        what="Pulumi state",
        role=Role.HOLDS,
        rule="",
        note="Every generated secret is in it, as ciphertext of a KMS key.",
    )
    return Found(kind=kind, part=bucket, data_class=DataClass.REGULATED, where=where, evidence=tuple(said))


def _key_regions(policy: Any, alias: Any) -> set[str]:
    """Regions of the keys that an IAM policy gives for an alias."""
    try:
        statements = json.loads(policy)["Statement"]
    except (KeyError, TypeError, ValueError):
        return set()
    arns = [
        arn
        for statement in statements
        if at(statement, "Condition", "ForAnyValue:StringEquals", "kms:ResourceAliases") == alias
        for arn in statement["Resource"]
    ]
    return {arn.split(":")[3] for arn in arns if arn.startswith("arn:aws:kms:")}


_SPECIAL: dict[str, Callable[[Plan, Resource, Shown], Iterator[Found]]] = {
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": _identity_provider,
    "aws:lightsail/instance:Instance": _instance,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:ssm/parameter:Parameter": _parameter,
    "cloudflare:index/dnsRecord:DnsRecord": _record,
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": _hyperdrive,
    "cloudflare:index/r2Bucket:R2Bucket": _r2,
    "cloudflare:index/worker:Worker": _worker,
    "cloudflare:index/workerVersion:WorkerVersion": _worker_version,
}
