"""A row of the table: all that is known of one type of resource. What is not said nobody has found out."""

from collections.abc import Mapping, Set
from dataclasses import KW_ONLY, dataclass, field
from enum import Enum, StrEnum
from functools import partial

from components.common.labels import DataClass


class Location(StrEnum):
    """Where a type keeps data. Not who runs it: AWS has regional and global types."""

    REGIONAL = "regional"
    """Kept in the AWS region that the resource or its provider names; the region is judged."""
    GLOBAL = "global"
    """Everywhere that the service is, so it may hold no data of ours."""
    EDGE = "edge"
    """Kept in Cloudflare's or another network's data centres, wherever they are."""
    LOCAL = "local"
    """Kept in the stack's state only, which is in Canada."""
    COMPONENT = "component"
    """Nowhere: it groups others."""
    ELSEWHERE = "elsewhere"
    """Somebody has looked, and it takes data out of Canada or out of sight."""
    UNJUDGED = "unjudged"
    """Nobody has looked, so it is refused; the row has other facts."""


class Role(StrEnum):
    """What a resource does with data. Not who may read it there."""

    HOLDS = "holds"
    PASSES = "passes"
    NEITHER = "neither"


class Layer(StrEnum):
    """Where in the stack something is, from visitors inwards. Not in which place on Earth."""

    FAILOVER = "failover"
    EDGE = "edge"
    ROUTE = "route to the database"
    HOST = "database host"
    BACKUPS = "backups and documents"
    IDENTITY = "identity"
    OTHERS = "others"


class Price(Enum):
    """A price that is not a fixed number of dollars."""

    COMPUTED = "computed"
    """Computed from properties, by the rule in policies/safety/cost.py."""


@dataclass(frozen=True)
class Shown:
    """How the residency map shows a resource."""

    what: str
    """Description in words; several of one kind in one place share a line."""
    _: KW_ONLY
    role: Role = Role.NEITHER
    rule: str = "resources-are-in-canada"
    """Name of the rule that guards it."""
    note: str = ""


@dataclass(frozen=True)
class ResourceType:
    """All facts of one type."""

    why: str = ""
    """One sentence: what it holds and where, with the source of a fact."""
    _: KW_ONLY
    location: Location
    most: DataClass = DataClass.NONE
    """The most delicate data that it may hold or pass."""
    passes: bool = False
    """Data goes through it and does not stay."""
    shown: Shown | None = None
    """None: as a holder, where it may hold data."""
    lost: str = ""
    """What is lost with one, where it can't be made again, or only with all that depends on it: production keeps it."""
    replaced_by: Set[str] | None = None
    """Properties that replace a resource when they change, besides account, zone and region. None: nobody has looked.

    Only the provider plugins know it all; this is for looking at changes without them."""
    secret_inputs: tuple[str, ...] = ()
    """What no SDK marks: nested values, by paths as of components/secrets/properties.py, and what is secret only here.

    Providers mark some of them in the engine, too late for whoever reads the plan (FACTS B4: user data and Lambda's
    environment they never mark)."""
    secret_outputs: tuple[str, ...] = ()
    """What the SDK does not mark, or not under the name that the program reads."""
    is_marked_too_much: bool = False
    """Whether only `secret_inputs` hold a secret, of all that the SDK marks."""
    usd: float | Price | None = None
    """What one costs a month whether it is used or not: list prices of us-east-1; Montreal's may differ a little.

    0 where it is free, or paid by use, as requests, traffic, stored objects and snapshots are. None: nobody has looked
    it up, and it is refused."""
    may_ignore: Mapping[str, str] = field(default_factory=dict)
    """Properties whose changes the engine may pass over, and why nobody has to see a difference."""
    is_dns_record: bool = False
    hosts: tuple[str, ...] = ()
    """Paths of properties that hold the bare name or address of a host; a 0 stands for any item of a list."""
    variables: str = ""
    """Pattern of the paths of what a program is told, whatever the variable is called."""
    code: tuple[str, ...] = ()
    """Properties that hold code or files, which name regions and hosts without using them."""
    scripts: tuple[str, ...] = ()
    """Properties that hold what a machine runs at its first start."""
    grants: str = ""
    """Property with an identity-based policy: what somebody may do."""
    resource_policy: str = ""
    """Property with a resource-based policy: who may use it."""
    reports_to: tuple[str, ...] = ()
    """Path of the bucket, by name or ARN, that gets its reports."""
    logs_to: str = ""
    """Property with the ARN that log lines are handed on to."""
    canadian: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of a service outside of AWS whose host names show no region: paths that say where it is, and what of them is in
    Canada; a 0 stands for any item of a list, and a star at a value's beginning for any text."""
    layer: Layer | None = None
    """Layer of a component; None: the one of the area in its type token."""

    def admits(self, data_class: DataClass) -> bool:
        return data_class.is_within(self.most)


ALL = frozenset({"*"})
"""Every change replaces, but for tags."""
NOTHING: Set[str] = frozenset()
"""Somebody looked, and nothing but another account, zone or region replaces."""

CLASSIFIED = "services-are-judged"

# How a row is written: `regional("WHAT IT HOLDS AND WHERE.", usd=0)`.
regional = partial(ResourceType, location=Location.REGIONAL, most=DataClass.REGULATED)
worldwide = partial(ResourceType, location=Location.GLOBAL)
edge = partial(ResourceType, location=Location.EDGE)
local = partial(ResourceType, location=Location.LOCAL, most=DataClass.REGULATED, usd=0)
component = partial(ResourceType, location=Location.COMPONENT, most=DataClass.REGULATED, usd=0)
elsewhere = partial(ResourceType, location=Location.ELSEWHERE)
unjudged = partial(ResourceType, location=Location.UNJUDGED)

holds = partial(Shown, role=Role.HOLDS)
passes = partial(Shown, role=Role.PASSES)
SETTINGS = Shown("settings of these")
NAMES = Shown("names and routes", rule=CLASSIFIED)
SUMS = (SETTINGS, NAMES)
"""Lines that several types share, so that none of their notes stands for all."""
