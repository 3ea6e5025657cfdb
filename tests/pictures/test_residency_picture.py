"""The map is drawn where Canada is, says what the map says, and no text runs into another."""

import os
import re
import sys
from collections.abc import Iterator
from datetime import date
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import pytest

from components.settings.binding_names import REQUIRED_BUCKET
from pictures import canada
from pictures.drawing import PALETTES, fitted, width
from pictures.evidence import Origin, html
from pictures.residency import MAP_WIDTH, MARGIN, svg
from pictures.topology import NODE_HEIGHT
from pictures.topology import svg as topology
from plan import codec
from plan.graph import graph, traffic
from plan.model import Plan
from policies.exemptions.exemption import Exemption
from policies.map.locations import CITIES, COORDINATES
from policies.map.residency import residency_map
from tests.changed_stack import record_with
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
        for picture in (svg(residency_map(plan)), topology(graph(plan)), topology(traffic(plan))):
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
        boxes = [card for card in cards(picture) if card[3] == NODE_HEIGHT]
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


@pytest.fixture(scope="module")
def large_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """Eight buckets, two hosts and Pages."""
    return record_with(
        tmp_path_factory.mktemp("large"),
        mediaBuckets=[REQUIRED_BUCKET, "newsletters-archive", *(f"bucket-{number}" for number in range(6))],
        postgresHosts=[
            {"name": "a", "bundle": "small_3_0"},
            {"name": "b", "bundle": "small_3_0", "origin": "backup"},
        ],
        pagesHostnames=["docs.automatonicai.com", "status.automatonicai.com"],
    )


def pictures(plan: Plan) -> list[str]:
    return [svg(residency_map(plan)), topology(graph(plan)), topology(traffic(plan))]


def test_no_name_is_cut_and_no_card_overlaps_in_a_large_stack(large_plan: Plan) -> None:
    for picture in pictures(large_plan):
        texts = [one.text or "" for one in ElementTree.fromstring(picture).iter() if one.tag != f"{SVG}style"]
        assert [text for text in texts if "…" in text] == []
        assert [pair for pair in combinations(cards(picture), 2) if overlap(*pair)] == []


def test_colours_are_literal_and_the_dark_ones_come_later(dev_plan: Plan) -> None:
    """What draws outside of a browser knows no variables."""
    for picture in pictures(dev_plan):
        assert "var(" not in picture
        light, dark = picture.split("@media (prefers-color-scheme: dark)")
        assert f".back {{ fill: {PALETTES['light']['back']}; }}" in light
        assert f".back {{ fill: {PALETTES['dark']['back']}; }}" in dark


def test_every_class_that_is_drawn_has_a_colour(dev_plan: Plan) -> None:
    for plan in (dev_plan, broken(dev_plan, "documents-bucket", having(tags={}))):
        for picture in pictures(plan):
            style = picture[picture.index("<style>") : picture.index("</style>")]
            used = set(re.findall(r"(?:fill|stroke|ink)-[a-z-]+(?=[ \"])", picture.replace(style, "")))
            used -= {"fill-rule", "stroke-width", "stroke-linejoin"}
            assert {name for name in used if f".{name} {{" not in style} == set()
            assert set(re.findall(r"url\(#([\w-]+)\)", picture)) <= set(re.findall(r'id="([\w-]+)"', picture))


def test_labels_of_what_is_on_its_way_stay_within_the_map(large_plan: Plan, prod_plan: Plan) -> None:
    for plan in (large_plan, prod_plan):
        picture = svg(residency_map(plan))
        labels = re.findall(r'<text class="halo [^"]+" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]+)<', picture)
        assert labels
        for x, y, label in labels:
            half = width(label, 11) / 2
            box = (float(x) - half, float(y) - 9, 2 * half, 11.0)
            assert box[0] > MARGIN
            assert box[0] + box[2] < MARGIN + MAP_WIDTH
            assert [card for card in cards(picture) if overlap(card, box)] == []


def test_traffic_goes_from_clients_to_the_database_its_backups_and_the_stand_by(large_plan: Plan) -> None:
    found = traffic(large_plan)
    pairs = {(edge.source, edge.target) for edge in found.edges}
    assert {
        ("clients", "site"),
        ("site", "web"),
        ("site", "cname.vercel-dns-0.com"),
        ("web", "api"),
        ("api", "media-newsletters-archive"),
        ("hyperdrive", "tunnel"),
        ("tunnel", "postgres-a"),
        ("postgres-b", "backups"),
        ("backups", "backups ca-west-1"),
    } <= pairs
    assert {"boundary", "bundles", "deploy"} & {node.id for node in found.nodes} == set()


def test_the_page_for_an_auditor_has_date_commit_rules_and_exemptions(prod_plan: Plan) -> None:
    mapped = residency_map(prod_plan)
    exemption = Exemption(
        rule="resources-are-in-canada", resource="*::b", reason="<b>", owner="a@b.ca", expires=date(2027, 1, 31)
    )
    origin = Origin(source="the program", date="2026-12-01 10:00 UTC", commit="0" * 7)
    page = html(mapped, origin, {"resources-are-in-canada": ("residency", "Where it is.")}, [exemption])
    said = ("2026-12-01 10:00 UTC", "0000000", "Where it is.", "&lt;b&gt;", "2027-01-31", mapped.summary, "<svg ")
    assert [text for text in said if text not in page] == []
    assert [entry.what for entry in mapped.entries if entry.what not in page] == []
    assert "None." in html(mapped, origin, {}, [])
