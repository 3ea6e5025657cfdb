"""Where a resource's data is, by the properties that say so."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plan.model import Computed, Plan, Resource, Secret

# City and country by region (AWS, regions and zones). One that is not here is shown by its code.
CITIES = {
    "ca-central-1": ("Montreal", "Canada"),
    "ca-west-1": ("Calgary", "Canada"),
    "us-east-1": ("Northern Virginia", "United States"),
    "us-east-2": ("Ohio", "United States"),
    "us-west-1": ("Northern California", "United States"),
    "us-west-2": ("Oregon", "United States"),
    "sa-east-1": ("São Paulo", "Brazil"),
    "eu-west-1": ("Dublin", "Ireland"),
    "eu-west-2": ("London", "United Kingdom"),
    "eu-west-3": ("Paris", "France"),
    "eu-central-1": ("Frankfurt", "Germany"),
    "eu-north-1": ("Stockholm", "Sweden"),
    "ap-northeast-1": ("Tokyo", "Japan"),
    "ap-south-1": ("Mumbai", "India"),
    "ap-southeast-1": ("Singapore", "Singapore"),
    "ap-southeast-2": ("Sydney", "Australia"),
}
COORDINATES = {"ca-central-1": (-73.57, 45.50), "ca-west-1": (-114.07, 51.05)}
"""Longitude and latitude of the regions that a map of Canada shows."""


class Ground(StrEnum):
    """What kind of place it is. Not whether data may be there."""

    CANADA = "canada"
    ABROAD = "abroad"
    EDGE = "edge"
    GLOBAL = "global"
    THIRD_PARTY = "third-party"
    STATE = "state"
    """Kept in the state file, which is itself located somewhere."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Where:
    """A place on the map, or the reason why there is none."""

    ground: Ground
    region: str = ""
    """The platform's code, empty where there are no regions."""
    city: str = ""
    country: str = ""

    @property
    def label(self) -> str:
        """Location for people: city, country and region, or the reason."""
        if self.city:
            return f"{self.city}, {self.country} ({self.region})"
        if self.region:
            return self.region
        return _LABELS[self.ground]


_LABELS = {
    Ground.CANADA: "Canada",
    Ground.ABROAD: "outside Canada",
    Ground.EDGE: "everywhere (Cloudflare)",
    Ground.GLOBAL: "no region (AWS)",
    Ground.THIRD_PARTY: "somebody else's",
    Ground.STATE: "in the state only",
    Ground.UNKNOWN: "not known",
}
ABROAD = Where(ground=Ground.ABROAD)
EDGE = Where(ground=Ground.EDGE)
GLOBAL = Where(ground=Ground.GLOBAL)
THIRD_PARTY = Where(ground=Ground.THIRD_PARTY)
STATE = Where(ground=Ground.STATE)
UNKNOWN = Where(ground=Ground.UNKNOWN)


def region(code: str) -> Where:
    """The place of a region; a region that is not in CITIES is abroad."""
    city, country = CITIES.get(code, ("", ""))
    return Where(
        ground=Ground.CANADA if country == "Canada" else Ground.ABROAD, region=code, city=city, country=country
    )


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What proves it: a property of a resource, and where that is declared."""

    urn: str
    name: str
    path: str
    value: str
    """Value as declared; `not known yet` and `secret` stand for what can't be shown."""
    source: str


def evidence(resource: Resource, path: str, value: Any) -> Evidence:
    return Evidence(urn=resource.urn, name=resource.name, path=path, value=_shown(value), source=resource.declared_at)


def regional(plan: Plan, resource: Resource) -> tuple[Where, list[Evidence]]:
    """Location by its zone and its own region, which must agree, or by its provider's region."""
    said: list[Evidence] = []
    places: set[Where] = set()
    for path in ("availabilityZone", "region"):
        value = resource.inputs.get(path)
        if value is not None:
            said.append(evidence(resource, path, value))
            places.add(_region(value, is_zone=path == "availabilityZone"))
    if not said:
        provider = plan.by_urn.get(resource.provider or "")
        value = provider.inputs.get("region") if provider else None
        said.append(evidence(provider or resource, "region", value))
        places.add(_region(value))
    return (places.pop() if len(places) == 1 else UNKNOWN), said


def _region(value: Any, is_zone: bool = False) -> Where:
    if not isinstance(value, str) or not value:
        return UNKNOWN
    return region(value[:-1] if is_zone else value)


def _shown(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, Secret):
        return "secret"
    if isinstance(value, Computed):
        return "not known yet"
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else "set"
