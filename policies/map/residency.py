"""The residency map: every place that holds or passes data, its class, where it is, the proof, and the rule."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from components.common.labels import DataClass
from components.resource_types import tokens
from components.resource_types.row import CLASSIFIED, SUMS, Location, Role, Shown
from components.resource_types.table import judged
from plan import failover
from plan.model import PROVIDERS, STACK_TYPE, Computed, Plan, Resource, at, reveal
from policies.map import locations
from policies.map.locations import Evidence, Ground, Where, evidence
from policies.residency.worker_logs import keeps_calls

IN_CANADA = "resources-are-in-canada"
EDGE_STORES = "edge-stores-hold-public-data-only"
CACHE = "hyperdrive-caches-public-data-only"
EDGE_LOGS = "worker-logs-are-not-handed-on"
BACKUPS = "backups-go-to-canada"
REPLICATION = "replication-stays-in-the-stack"
PEOPLE = "topics-tell-people"
DESTINATIONS = "destinations-are-judged"
# As policies/residency/edge.py has it, which needs the packs' library.
PUBLIC_ROLE = "public_read"
STRICTEST_FIRST = (DataClass.REGULATED, DataClass.PERSONAL, DataClass.PUBLIC, DataClass.NONE)
NOT_DECLARED = "not declared"
# These stay in Canada; what does not say its class is taken for one of them.
AT_HOME = (DataClass.REGULATED, DataClass.PERSONAL, NOT_DECLARED)
NAMES_SHOWN = 3
GROUNDS = (
    Ground.CANADA,
    Ground.ABROAD,
    Ground.UNKNOWN,
    Ground.EDGE,
    Ground.THIRD_PARTY,
    Ground.GLOBAL,
    Ground.STATE,
)
CLASSES = (*STRICTEST_FIRST[:2], NOT_DECLARED, *STRICTEST_FIRST[2:])
ROLES = (Role.HOLDS, Role.PASSES, Role.NEITHER)


@dataclass(frozen=True, kw_only=True)
class Found:
    """One place that one resource uses."""

    kind: Shown
    part: str
    """Which of its kind: the component's or the resource's name."""
    data_class: str
    where: Where
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line: all of one kind, one class and one place."""

    what: str
    parts: tuple[str, ...]
    role: Role
    data_class: str
    where: Where
    rule: str
    note: str
    evidence: tuple[Evidence, ...]
    count: int
    """How many resources."""

    @property
    def is_at_fault(self) -> bool:
        """Data that belongs in Canada is kept elsewhere, or at an unknown place; passing through is not keeping."""
        is_kept_elsewhere = self.role is Role.HOLDS and self.where.ground not in (Ground.CANADA, Ground.STATE)
        is_abroad = self.role is Role.PASSES and self.where.ground in (Ground.ABROAD, Ground.UNKNOWN)
        return self.data_class in AT_HOME and (is_kept_elsewhere or is_abroad)

    @property
    def which(self) -> str:
        """Names of the parts, or their number."""
        if len(self.parts) > NAMES_SHOWN:
            return str(self.count)
        number = f" ({self.count})" if self.count > len(self.parts) else ""
        return ", ".join(self.parts) + number


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Data on its way from one place to another."""

    source: Where
    target: Where
    what: str
    data_class: str
    rule: str
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class ResidencyMap:
    stack: str
    resources: int
    """How many the map speaks of: all but mere groups of others."""
    entries: tuple[Entry, ...]
    flows: tuple[Flow, ...]

    @property
    def faults(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.is_at_fault]

    @property
    def summary(self) -> str:
        """The answer in one sentence."""
        if self.faults:
            number = len(self.faults)
            places = "place keeps" if number == 1 else "places keep"
            return f"{number} {places} regulated or personal data outside Canada, or at an unknown location."
        cities = Counter(one.where.city for one in self.entries if one.role is Role.HOLDS and one.data_class in AT_HOME)
        kept = " and ".join(city for city, _ in cities.most_common() if city)
        passes = any(one.role is Role.PASSES and one.data_class in AT_HOME for one in self.entries)
        through = " It passes through places outside, which keep none of it." if passes else ""
        return (
            f"Regulated and personal data rests in {kept} only.{through}"
            if kept
            else f"No regulated or personal data is kept.{through}"
        )

    def document(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "stack": self.stack,
            "resources": self.resources,
            "summary": self.summary,
            "places": [
                {
                    **asdict(entry),
                    "where": {**asdict(entry.where), "words": entry.where.label},
                    "is_at_fault": entry.is_at_fault,
                }
                for entry in self.entries
            ],
            "flows": [asdict(flow) for flow in self.flows],
        }


def residency_map(plan: Plan) -> ResidencyMap:
    """The map of a plan, recorded or read; every resource that is not a component is in it at least once."""
    resources = [resource for resource in plan.resources if resource.custom]
    found = [one for resource in resources for one in _found(plan, resource)]
    of_state = state(plan)
    if of_state is not None:
        found = [
            *(replace(one, where=of_state.where) if one.where.ground is Ground.STATE else one for one in found),
            of_state,
        ]
    entries = sorted(_entries(found), key=_order)
    return ResidencyMap(stack=plan.stack, resources=len(resources), entries=tuple(entries), flows=tuple(_flows(plan)))


def _entries(found: Iterable[Found]) -> Iterator[Entry]:
    grouped: dict[tuple[str, Role, str, Where, str, str], list[Found]] = defaultdict(list)
    for one in found:
        key = (one.kind.what, one.kind.role, one.data_class, one.where, one.kind.rule, one.kind.note)
        grouped[key].append(one)
    for (what, role, data_class, where, rule, note), group in grouped.items():
        yield Entry(
            what=what,
            parts=tuple(dict.fromkeys(one.part for one in group)),
            role=role,
            data_class=data_class,
            where=where,
            rule=rule,
            note=note,
            evidence=tuple(dict.fromkeys(proof for one in group for proof in one.evidence)),
            count=len(group),
        )


def _order(entry: Entry) -> tuple[int, str, int, int, str, tuple[str, ...]]:
    return (
        GROUNDS.index(entry.where.ground),
        entry.where.region,
        ROLES.index(entry.role),
        CLASSES.index(entry.data_class) if entry.data_class in CLASSES else 0,
        entry.what,
        entry.parts,
    )


def _flows(plan: Plan) -> Iterator[Flow]:
    """Flows from the edge to the database, from there to its backups, and from each bucket to its copy."""
    host = next((one.where for resource in plan.of_type(tokens.INSTANCE) for one in _found(plan, resource)), None)
    if host is not None:
        yield from _queries(plan, host)
        yield from _backups(plan, host)
    yield from _copies(plan)


def _queries(plan: Plan, host: Where) -> Iterator[Flow]:
    for resource in plan.of_type(tokens.HYPERDRIVE):
        (found,) = _found(plan, resource)
        yield Flow(
            source=locations.EDGE,
            target=host,
            what="queries",
            data_class=found.data_class,
            rule=found.kind.rule,
            evidence=evidence(resource, "origin.host", at(resource.inputs, "origin", "host")),
        )


def _backups(plan: Plan, host: Where) -> Iterator[Flow]:
    for component in plan.of_type(tokens.POSTGRES_HOST):
        code = at(component.inputs, "specification", "backup", "region")
        yield Flow(
            source=host,
            target=locations.region(code) if isinstance(code, str) else locations.UNKNOWN,
            what="backups",
            data_class=str(component.inputs.get("dataClass", NOT_DECLARED)),
            rule=BACKUPS,
            evidence=evidence(component, "specification.backup.region", code),
        )


def _copies(plan: Plan) -> Iterator[Flow]:
    buckets = {
        str(resource.inputs.get("bucket")): locations.regional(plan, resource)[0]
        for resource in plan.of_type(tokens.BUCKET)
    }
    for resource in plan.of_type(tokens.REPLICATION):
        rules = resource.inputs.get("rules")
        for index in range(len(rules) if isinstance(rules, list) else 0):
            target = at(rules, index, "destination", "bucket")
            name = target.removeprefix("arn:aws:s3:::") if isinstance(target, str) else ""
            yield Flow(
                source=buckets.get(str(resource.inputs.get("bucket")), locations.UNKNOWN),
                target=buckets.get(name, locations.UNKNOWN),
                what="copies",
                data_class=_declared_class(plan, resource),
                rule=REPLICATION,
                evidence=evidence(resource, f"rules[{index}].destination.bucket", target),
            )


def _found(plan: Plan, resource: Resource) -> Iterator[Found]:
    """Every place that a resource is, makes or names."""
    kind = _kind(resource.type)
    special = _SPECIAL.get(resource.type)
    if special is None:
        yield _place(plan, resource, kind, *_ground(plan, resource))
    else:
        yield from special(plan, resource, kind)


def _declared_class(plan: Plan, resource: Resource) -> str:
    """The strictest of the resource's own tag and of what its nearest component declares."""
    said = [at(resource.inputs, "tags", "data-class")]
    parent = plan.by_urn.get(resource.parent or "")
    while parent is not None and "dataClass" not in parent.inputs:
        parent = plan.by_urn.get(parent.parent or "")
    said.append(parent.inputs["dataClass"] if parent else None)
    return next((str(one) for one in STRICTEST_FIRST if one in said), NOT_DECLARED)


def _part(plan: Plan, resource: Resource) -> str:
    """The nearest component's name, which people know, or the resource's own."""
    parent = plan.by_urn.get(resource.parent or "")
    return parent.name if parent and parent.type != STACK_TYPE else resource.name


def _place(
    plan: Plan, resource: Resource, kind: Shown, where: Where, said: list[Evidence], data_class: str = ""
) -> Found:
    if not data_class:
        data_class = DataClass.NONE if kind.role is Role.NEITHER else _declared_class(plan, resource)
    return Found(kind=kind, part=_part(plan, resource), data_class=str(data_class), where=where, evidence=tuple(said))


def _kind(type_token: str) -> Shown:
    """How the map describes a type; by what the residency pack knows where its row has no description."""
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
    """Location by the residency pack's classification of the type."""
    row = judged(resource.type)
    said = [evidence(resource, "type", resource.type)]
    if row is None:
        return locations.UNKNOWN, said
    package = resource.type.removeprefix(PROVIDERS).partition(":")[0]
    if row.location is Location.REGIONAL:
        return locations.regional(plan, resource)
    if row.location is Location.ELSEWHERE:
        return locations.ABROAD, said
    if package == "cloudflare":
        return locations.EDGE, said
    if row.location is Location.GLOBAL:
        return locations.GLOBAL if package == "aws" else locations.THIRD_PARTY, said
    is_in_state = row.location in (Location.LOCAL, Location.COMPONENT)
    return locations.STATE if is_in_state else locations.THIRD_PARTY, said


def _worker_version(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    said = [evidence(resource, "placement.region", at(resource.inputs, "placement", "region"))]
    yield _place(plan, resource, kind, locations.EDGE, said)


def _worker(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _place(plan, resource, kind, *_ground(plan, resource))
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
    yield _place(plan, resource, kept, locations.EDGE, [evidence(resource, path, value)], held)


def _hyperdrive(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    disabled = at(resource.inputs, "caching", "disabled")
    user = at(resource.inputs, "origin", "user")
    data_class = DataClass.PUBLIC if reveal(user) == PUBLIC_ROLE else _declared_class(plan, resource)
    said = [evidence(resource, "caching.disabled", disabled), evidence(resource, "origin.user", user)]
    if disabled is not True:
        kind = Shown(what="Hyperdrive cache", role=Role.HOLDS, rule=CACHE, note="Where it is kept is not documented.")
    yield _place(plan, resource, kind, locations.EDGE, said, data_class)


def _r2(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    said = [evidence(resource, path, resource.inputs.get(path)) for path in ("location", "jurisdiction")]
    yield _place(plan, resource, kind, locations.EDGE, said)


def _instance(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    where, said = locations.regional(plan, resource)
    yield _place(plan, resource, kind, where, said)
    if at(resource.inputs, "addOn", "status") == "Enabled":
        snapshots = Shown(
            what="Lightsail snapshots",
            role=Role.HOLDS,
            rule=IN_CANADA,
            note="In the instance's region (AWS, Lightsail snapshots).",
        )
        added = evidence(resource, "addOn.type", at(resource.inputs, "addOn", "type"))
        yield _place(plan, resource, snapshots, where, [added, *said])


def _parameter(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    where, said = locations.regional(plan, resource)
    yield _place(plan, resource, kind, where, [*said, evidence(resource, "type", resource.inputs.get("type"))])


def _subscription(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _place(plan, resource, kind, *_ground(plan, resource))
    mailbox = Shown(
        what="Mailbox that alarms go to", role=Role.PASSES, rule=PEOPLE, note="Names a fault, holds no rows."
    )
    said = [evidence(resource, path, resource.inputs.get(path)) for path in ("endpoint", "protocol")]
    yield _place(plan, resource, mailbox, locations.THIRD_PARTY, said)


def _identity_provider(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _place(plan, resource, kind, *_ground(plan, resource))
    github = Shown(
        what="GitHub Actions", role=Role.NEITHER, rule=DESTINATIONS, note="Deploys; may not read objects of ours."
    )
    yield _place(plan, resource, github, locations.THIRD_PARTY, [evidence(resource, "url", resource.inputs.get("url"))])


def _record(plan: Plan, resource: Resource, kind: Shown) -> Iterator[Found]:
    yield _place(plan, resource, kind, *_ground(plan, resource))
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
        passed = _class_of_pages(parent) or _site_class(plan)
        yield _place(plan, resource, standby, locations.THIRD_PARTY, said, "" if is_standing_by else passed)


def _class_of_pages(component: Resource | None) -> str:
    is_pages = component is not None and component.type == tokens.FAILOVER_PAGES_HOST
    return str(component.inputs.get("dataClass")) if component is not None and is_pages else ""


def _site_class(plan: Plan) -> str:
    """Class of the data that passes through a stand-by that answers: the site's."""
    said = [resource.inputs.get("dataClass") for resource in plan.of_type(tokens.WEB_SITE)]
    return next((str(one) for one in STRICTEST_FIRST if one in said), NOT_DECLARED)


def state(plan: Plan) -> Found | None:
    """Pulumi's own state, which a setting names; its region is that of the key which the deploy role may use."""
    bucket, alias = plan.settings.get("hybrid:stateBucket"), plan.settings.get("hybrid:stateKeyAlias")
    if not isinstance(bucket, str):
        return None
    said = [Evidence(urn=plan.stack_urn, name="settings", path="hybrid:stateBucket", value=bucket, source="")]
    where = locations.UNKNOWN
    for resource in plan.of_type(tokens.ROLE_POLICY):
        policy = resource.inputs.get("policy")
        for code in _key_regions(policy.template if isinstance(policy, Computed) else policy, alias):
            where = locations.region(code)
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
        arns = [
            arn
            for statement in json.loads(policy)["Statement"]
            if at(statement, "Condition", "ForAnyValue:StringEquals", "kms:ResourceAliases") == alias
            for arn in statement["Resource"]
        ]
    except (KeyError, TypeError, ValueError, RecursionError):
        return set()
    return {arn.split(":")[3] for arn in arns if isinstance(arn, str) and re.match("arn:aws:kms:[^:]*:", arn)}


# Functions of the plan, which a row can't name: the table is below the map.
_SPECIAL: dict[str, Callable[[Plan, Resource, Shown], Iterator[Found]]] = {
    tokens.OIDC_PROVIDER: _identity_provider,
    tokens.INSTANCE: _instance,
    tokens.TOPIC_SUBSCRIPTION: _subscription,
    tokens.PARAMETER: _parameter,
    tokens.DNS_RECORD: _record,
    tokens.HYPERDRIVE: _hyperdrive,
    tokens.R2_BUCKET: _r2,
    tokens.WORKER: _worker,
    tokens.WORKER_VERSION: _worker_version,
}
