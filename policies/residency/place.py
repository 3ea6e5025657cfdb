"""What is known of a type of resource: where it keeps data, and how delicate that data may be."""

from dataclasses import dataclass
from enum import StrEnum

from components.common.labels import DataClass


class Kind(StrEnum):
    """Where a type keeps data. Not who runs it: AWS has regional and global types."""

    REGIONAL = "regional"
    """In the AWS region that the resource or its provider names; the region is judged."""
    GLOBAL = "global"
    """Everywhere that the service is, so it may hold no data of ours."""
    EDGE = "edge"
    """In Cloudflare's or another network's data centres, wherever they are."""
    LOCAL = "local"
    """In the stack's state only, which is in Canada."""
    COMPONENT = "component"
    """Nowhere: it groups others."""
    ELSEWHERE = "elsewhere"
    """Somebody has looked, and it takes data out of Canada or out of sight."""


# From the least delicate to the most.
_RANKS = (DataClass.NONE, DataClass.PUBLIC, DataClass.PERSONAL, DataClass.REGULATED)


@dataclass(frozen=True, kw_only=True)
class Place:
    """One type's. A type that has none is refused."""

    kind: Kind
    most: DataClass
    """The most delicate data that it may hold or pass."""
    why: str
    """One sentence: what it holds and where, with the source of a fact."""
    passes: bool = False
    """Data goes through it and does not stay."""

    def admits(self, data_class: DataClass) -> bool:
        return _RANKS.index(data_class) <= _RANKS.index(self.most)


def regional(why: str, *, passes: bool = False) -> Place:
    return Place(kind=Kind.REGIONAL, most=DataClass.REGULATED, why=why, passes=passes)


def worldwide(why: str) -> Place:
    return Place(kind=Kind.GLOBAL, most=DataClass.NONE, why=why)


def edge(why: str, *, most: DataClass = DataClass.NONE, passes: bool = False) -> Place:
    return Place(kind=Kind.EDGE, most=most, why=why, passes=passes)


def local(why: str) -> Place:
    return Place(kind=Kind.LOCAL, most=DataClass.REGULATED, why=why)


def component(why: str, *, most: DataClass = DataClass.REGULATED) -> Place:
    return Place(kind=Kind.COMPONENT, most=most, why=why)


def elsewhere(why: str) -> Place:
    return Place(kind=Kind.ELSEWHERE, most=DataClass.NONE, why=why)
