"""Canada's outline on paper: a projection, and paths that fit a box.

The projection is written out: pyproj would bring PROJ's native library and its data for this one formula.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OUTLINE = Path(__file__).with_name("canada.json")
EARTH_KM = 6371.0
# Lambert's conformal conic as maps of Canada use it (Statistics Canada, map projections).
PARALLELS, ORIGIN, MERIDIAN = (49.0, 77.0), 63.390675, -91.866667

Ring = Sequence[tuple[float, float]]


@cache
def _cone() -> tuple[float, float, float]:
    """Exponent, factor and the origin's distance from the tip."""
    first, second = (math.radians(parallel) for parallel in PARALLELS)
    exponent = math.log(math.cos(first) / math.cos(second)) / math.log(_stretch(second) / _stretch(first))
    factor = math.cos(first) * _stretch(first) ** exponent / exponent
    return exponent, factor, factor / _stretch(math.radians(ORIGIN)) ** exponent


def _stretch(latitude: float) -> float:
    return math.tan(math.pi / 4 + latitude / 2)


def project(longitude: float, latitude: float) -> tuple[float, float]:
    """Kilometres east and south of the middle of Canada."""
    exponent, factor, origin = _cone()
    distance = factor / _stretch(math.radians(latitude)) ** exponent
    angle = exponent * math.radians(longitude - MERIDIAN)
    return EARTH_KM * distance * math.sin(angle), EARTH_KM * (distance * math.cos(angle) - origin)


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Kilometres to the picture's units."""

    scale: float
    left: float
    top: float

    def point(self, longitude: float, latitude: float) -> tuple[float, float]:
        x, y = project(longitude, latitude)
        return round(self.left + x * self.scale, 1), round(self.top + y * self.scale, 1)

    def path(self, rings: Sequence[Ring]) -> str:
        """Closed lines as an SVG path."""
        return "".join(
            "M" + "L".join("{:g},{:g}".format(*self.point(longitude, latitude)) for longitude, latitude in ring) + "Z"
            for ring in rings
        )


@dataclass(frozen=True, kw_only=True)
class Land:
    canada: list[Ring]
    neighbours: list[Ring]


@cache
def land() -> Land:
    """Rings of longitude and latitude."""
    read = json.loads(OUTLINE.read_text())
    return Land(canada=read["canada"], neighbours=read["neighbours"])


def fit(left: float, top: float, width: float, height: float) -> Canvas:
    """All of Canada in a box, in its middle."""
    points = [project(longitude, latitude) for ring in land().canada for longitude, latitude in ring]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    scale = min(width / (max(xs) - min(xs)), height / (max(ys) - min(ys)))
    return Canvas(
        scale=scale,
        left=left + width / 2 - scale * (max(xs) + min(xs)) / 2,
        top=top + height / 2 - scale * (max(ys) + min(ys)) / 2,
    )
