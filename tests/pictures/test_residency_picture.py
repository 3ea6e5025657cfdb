"""The map is drawn where Canada is, says what the map says, and no text runs into another."""

import os
import re
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pictures import canada
from pictures.drawing import fitted, width
from pictures.residency import MAP_WIDTH, MARGIN, svg
from pictures.topology import NODE_HEIGHT, NODE_WIDTH
from pictures.topology import svg as topology
from plan import codec
from plan.graph import graph
from plan.model import Plan
from policies.map.locations import CITIES, COORDINATES
from policies.map.residency import residency_map
from tests.commands import ran
from tests.policies.changes import broken, having

SVG = "{http://www.w3.org/2000/svg}"
Rectangle = tuple[float, float, float, float]


def cards(picture: str) -> list[Rectangle]:
    return [
        (float(one.attrib["x"]), float(one.attrib["y"]), float(one.attrib["width"]), float(one.attrib["height"]))
        for one in ElementTree.fromstring(picture).iter(f"{SVG}rect")
        if one.attrib.get("class", "").startswith("card")
        and float(one.attrib.get("height", 0)) > 20
        and "y" in one.attrib
    ]


def overlap(one: Rectangle, other: Rectangle) -> bool:
    return (
        one[0] < other[0] + other[2]
        and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3]
        and other[1] < one[1] + one[3]
    )


def is_in_canada(longitude: float, latitude: float) -> bool:
    """Whether a place is in Canada, by how often a line to the west crosses the outline on paper."""
    x, y = canada.project(longitude, latitude)
    crossings = 0
    for ring in canada.land().canada:
        points = [canada.project(*point) for point in ring]
        for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1], strict=True):
            if (y1 > y) != (y2 > y) and x1 + (y - y1) / (y2 - y1) * (x2 - x1) < x:
                crossings += 1
    return crossings % 2 == 1


@pytest.mark.parametrize("region", COORDINATES)
def test_cities_are_inside_the_border(region: str) -> None:
    assert is_in_canada(*COORDINATES[region])


@pytest.mark.parametrize("point", [(-77.04, 38.91), (-122.33, 47.61), (-149.9, 61.22), (-51.7, 64.18), (-73.2, 44.48)])
def test_neighbours_are_outside_the_border(point: tuple[float, float]) -> None:
    """Washington, Seattle, Anchorage, Nuuk, and Burlington, an hour and a half from Montreal."""
    assert not is_in_canada(*point)


def test_every_canadian_region_has_a_spot_on_the_map() -> None:
    assert {code for code, (_, country) in CITIES.items() if country == "Canada"} == set(COORDINATES)


def test_canada_fits_its_box() -> None:
    canvas = canada.fit(10, 20, 800, 700)
    points = [canvas.point(*point) for ring in canada.land().canada for point in ring]
    assert min(x for x, _ in points) >= 10
    assert max(x for x, _ in points) <= 810
    assert min(y for _, y in points) >= 20
    assert max(y for _, y in points) <= 720


def test_pictures_are_xml_and_the_same_each_time(dev_plan: Plan, tmp_path: Path) -> None:
    drawn = [svg(residency_map(dev_plan)), topology(graph(dev_plan))]
    assert [ElementTree.fromstring(one).tag for one in drawn] == [f"{SVG}svg"] * 2
    saved = tmp_path / "plan.json"
    saved.write_text(codec.dumps(dev_plan))
    # Sets have another order in each process.
    first, second = (drawn_elsewhere(saved, seed) for seed in ("1", "2"))
    assert first == second


def drawn_elsewhere(saved: Path, seed: str) -> str:
    """All pictures of a plan, by a process with this seed of its hashes."""
    program = (
        "import sys; from pathlib import Path; from pictures import residency, topology; from plan import codec; "
        "from plan.graph import graph, mermaid; from policies.map.residency import residency_map; "
        "plan = codec.read(Path(sys.argv[1])); found = graph(plan); "
        "print(residency.svg(residency_map(plan)), topology.svg(found), mermaid(found))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", program, str(saved)]
    return ran(command, env=environment, check=True).stdout


def test_every_place_is_in_the_picture(prod_plan: Plan) -> None:
    mapped = residency_map(prod_plan)
    said = " ".join(one.text or "" for one in ElementTree.fromstring(svg(mapped)).iter(f"{SVG}title"))
    assert [one.what for one in mapped.entries if f"{one.what} (" not in said] == []


def test_cards_overlap_neither_each_other_nor_the_picture(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, prod_plan, direct_plan, broken(prod_plan, "documents-bucket", having(region="us-east-1"))):
        for picture in (svg(residency_map(plan)), topology(graph(plan))):
            found = cards(picture)
            assert [pair for pair in combinations(found, 2) if overlap(*pair)] == []
            root = ElementTree.fromstring(picture)
            assert max(x + wide for x, _, wide, _ in found) <= float(root.attrib["width"])
            assert max(y + high for _, y, _, high in found) <= float(root.attrib["height"])


def test_what_is_in_canada_is_drawn_left_of_what_is_not(prod_plan: Plan) -> None:
    picture = svg(residency_map(prod_plan))
    right_edge = MARGIN + MAP_WIDTH
    inside = [card for card in cards(picture) if card[0] < right_edge]
    assert len(inside) == 2
    assert all(x + wide < right_edge for x, _, wide, _ in inside)


def test_no_edge_runs_through_a_node(dev_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, direct_plan):
        picture = topology(graph(plan))
        boxes = [card for card in cards(picture) if card[2:] == (NODE_WIDTH, NODE_HEIGHT)]
        paths = re.findall(r'<path class="edge[^"]*" d="(M[^"]+)" marker-end="url\(#to\)"><title>', picture)
        points = [point for path in paths for point in uprights(path)]
        rows = {box[1] for box in boxes}
        assert any(top < y < top + NODE_HEIGHT for _, y in points for top in rows)
        assert [point for point in points for box in boxes if is_in(point, box)] == []


def uprights(path: str) -> Iterator[tuple[float, float]]:
    """The middle of each upright line of an edge; by one it passes a row of nodes."""
    x = y = 0.0
    for kind, coordinates in re.findall(r"([MVC])([^MVC]+)", path):
        numbers = [float(number) for number in re.findall(r"[\d.]+", coordinates)]
        if kind == "V":
            yield x, (y + numbers[-1]) / 2
            y = numbers[-1]
        else:
            x, y = numbers[-2:]


def is_in(point: tuple[float, float], box: Rectangle) -> bool:
    return box[0] < point[0] < box[0] + box[2] and box[1] < point[1] < box[1] + box[3]


def test_a_fault_is_said_at_the_top_and_in_its_card(prod_plan: Plan) -> None:
    picture = svg(residency_map(broken(prod_plan, "documents-bucket", having(region="us-east-1"))))
    assert "✘ 1 place keeps" in picture
    assert "Northern Virginia" in picture
    assert picture.count('class="card faulty"') == 1


def test_words_are_cut_where_the_room_ends() -> None:
    assert fitted("short", 100) == "short"
    cut = fitted("a very long name of a bucket", 60)
    assert cut.endswith("…")
    assert width(cut) <= 60
    assert fitted("anything", 2) == ""
