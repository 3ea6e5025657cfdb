"""The residency map: every place that holds or passes data, its class, where it is, the proof, and the rule."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from components.common.labels import DataClass
from components.resource_types.row import Role
from plan.model import Plan
from policies import residency_finders as finders
from policies import whereabouts
from policies.residency_finders import NOT_DECLARED, Found
from policies.whereabouts import Evidence, Ground, Where, at, evidence

BACKUPS = "backups-go-to-canada"
REPLICATION = "replication-stays-in-the-stack"
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
CLASSES = (*finders.STRICTEST_FIRST[:2], NOT_DECLARED, *finders.STRICTEST_FIRST[2:])
ROLES = (Role.HOLDS, Role.PASSES, Role.NEITHER)


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
        """Data that belongs in Canada rests elsewhere, or nobody knows where; passing through is no rest."""
        is_kept_elsewhere = self.role is Role.HOLDS and self.where.ground not in (Ground.CANADA, Ground.STATE)
        is_abroad = self.role is Role.PASSES and self.where.ground in (Ground.ABROAD, Ground.UNKNOWN)
        return self.data_class in AT_HOME and (is_kept_elsewhere or is_abroad)

    @property
    def which(self) -> str:
        """The parts in short."""
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
    """How many the map speaks of: all that are no mere group of others."""
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
            return f"{number} {places} regulated or personal data outside Canada, or where nobody knows."
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
                    "where": {**asdict(entry.where), "words": entry.where.words},
                    "is_at_fault": entry.is_at_fault,
                }
                for entry in self.entries
            ],
            "flows": [asdict(flow) for flow in self.flows],
        }


def residency_map(plan: Plan) -> ResidencyMap:
    """Of a plan, recorded or read; every resource that is no component is in it at least once."""
    resources = [resource for resource in plan.resources if resource.custom]
    found = [one for resource in resources for one in finders.found(plan, resource)]
    state = finders.state(plan)
    if state is not None:
        found = [
            *(replace(one, where=state.where) if one.where.ground is Ground.STATE else one for one in found),
            state,
        ]
    entries = sorted(_entries(found), key=_order)
    return ResidencyMap(
        stack=plan.stack, resources=len(resources), entries=tuple(entries), flows=tuple(_flows(plan, entries))
    )


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


def _flows(plan: Plan, entries: Iterable[Entry]) -> Iterator[Flow]:
    """From the edge to the database, from there to its backups, and from each bucket to its copy."""
    host = next((one.where for one in entries if one.what == "Lightsail instance"), None)
    if host is not None:
        yield from _queries(plan, host)
        yield from _backups(plan, host)
    yield from _copies(plan)


def _queries(plan: Plan, host: Where) -> Iterator[Flow]:
    for resource in plan.of_type("cloudflare:index/hyperdriveConfig:HyperdriveConfig"):
        (found,) = finders.found(plan, resource)
        yield Flow(
            source=whereabouts.EDGE,
            target=host,
            what="queries",
            data_class=found.data_class,
            rule=found.kind.rule,
            evidence=evidence(resource, "origin.host", at(resource.inputs, "origin", "host")),
        )


def _backups(plan: Plan, host: Where) -> Iterator[Flow]:
    for component in plan.of_type("hybrid:postgres:PostgresHost"):
        code = at(component.inputs, "specification", "backup", "region")
        yield Flow(
            source=host,
            target=whereabouts.region(code) if isinstance(code, str) else whereabouts.UNKNOWN,
            what="backups",
            data_class=str(component.inputs.get("dataClass", NOT_DECLARED)),
            rule=BACKUPS,
            evidence=evidence(component, "specification.backup.region", code),
        )


def _copies(plan: Plan) -> Iterator[Flow]:
    buckets = {
        resource.inputs.get("bucket"): whereabouts.regional(plan, resource)[0]
        for resource in plan.of_type("aws:s3/bucket:Bucket")
    }
    for resource in plan.of_type("aws:s3/bucketReplicationConfig:BucketReplicationConfig"):
        rules = resource.inputs.get("rules")
        for index in range(len(rules) if isinstance(rules, list) else 0):
            target = at(rules, index, "destination", "bucket")
            name = target.removeprefix("arn:aws:s3:::") if isinstance(target, str) else None
            yield Flow(
                source=buckets.get(resource.inputs.get("bucket"), whereabouts.UNKNOWN),
                target=buckets.get(name, whereabouts.UNKNOWN),
                what="copies",
                data_class=finders.declared_class(plan, resource),
                rule=REPLICATION,
                evidence=evidence(resource, f"rules[{index}].destination.bucket", target),
            )
