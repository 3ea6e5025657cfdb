"""The topology as a picture: a band for each layer, visitors above and identity below."""

from collections.abc import Sequence
from dataclasses import dataclass

from pictures.drawing import TEMPLATES, fitted, width
from pictures.rows import Layout, Slot, layout, ranked
from plan.graph import Edge, Graph, Node, Tie

MARGIN, TOP, LEFT = 16, 66, 216
LEAST_NODE, MOST_NODE, NODE_HEIGHT, NODE_GAP = 148, 460, 48, 12
# Between rows of a band, between bands, and from a band's edge to its first row.
ROW_GAP, BAND_GAP, BAND_PAD = 32, 12, 15
LEAST_WIDTH = 900
# Of a name in bold letters, which are wider than those that widths are of.
NAME_SIZE = 13.5


@dataclass(frozen=True, kw_only=True)
class Box:
    """A node."""

    x: float
    y: float
    name: str
    kind: str
    data_class: str
    pill: str
    pill_width: float
    is_outside: bool
    tooltip: str


@dataclass(frozen=True, kw_only=True)
class Band:
    name: str
    y: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Line:
    """An edge."""

    path: str
    tie: str
    marker: str
    tooltip: str


def svg(found: Graph) -> str:
    """The picture."""
    pairs = [(edge.source, edge.target) for edge in found.edges]
    rows, bands, tops = _rows(found, pairs)
    node_width = _node_width(found.nodes)
    placed = layout(rows, pairs, node_width, NODE_GAP)
    row_of = {node: index for index, row in enumerate(rows) for node in row}
    picture_width = max(LEAST_WIDTH, LEFT + placed.width + 2 * MARGIN)
    shift = LEFT + (picture_width - LEFT - MARGIN - placed.width) / 2
    bottom = bands[-1].y + bands[-1].height if bands else TOP
    ours = [node.resources for node in found.nodes if node.resources]
    is_traffic = any(edge.tie is Tie.SENDS for edge in found.edges)
    counted = (
        f"what traffic passes: {len(ours)} parts; the view of everything has the others"
        if is_traffic
        else f"{sum(ours)} resources in {len(ours)} parts, and {found.providers} providers, which are not drawn"
    )
    text: str = TEMPLATES.get_template("topology.svg.j2").render(
        width=round(picture_width),
        height=round(bottom + 44),
        bottom=bottom,
        margin=MARGIN,
        title=f"{found.stack}: {'what sends to what' if is_traffic else 'what refers to what'}",
        counted=counted,
        bands=bands,
        boxes=[_box(node, node_width, shift + placed.x[node.id], tops[row_of[node.id]]) for node in found.nodes],
        lines=_lines(found.edges, placed, row_of, tops, shift, node_width),
        is_traffic=is_traffic,
        node_width=node_width,
        node_height=NODE_HEIGHT,
    )
    return text


def _rows(found: Graph, pairs: Sequence[tuple[str, str]]) -> tuple[list[list[str]], list[Band], list[float]]:
    """Node identifiers by row, the bands, and each row's top."""
    rows: list[list[str]] = []
    bands: list[Band] = []
    tops: list[float] = []
    y = float(TOP)
    for layer, nodes in found.layers():
        own = ranked([node.id for node in nodes], pairs)
        rows += own
        tops += [y + BAND_PAD + index * (NODE_HEIGHT + ROW_GAP) for index in range(len(own))]
        height = 2 * BAND_PAD + len(own) * NODE_HEIGHT + (len(own) - 1) * ROW_GAP
        bands.append(Band(name=str(layer), y=y, height=height))
        y += height + BAND_GAP
    return rows, bands, tops


def _node_width(nodes: Sequence[Node]) -> float:
    """As wide as the widest name and kind, so that none is cut; names without end are."""
    widest = [max(width(node.name, NAME_SIZE) + 28, width(node.kind, 11) + _pill_width(node) + 30) for node in nodes]
    return round(min(max([LEAST_NODE, *widest]), MOST_NODE))


def _pill_width(node: Node) -> float:
    return 0.0 if node.resources == 0 else round(width(node.data_class, 10.5) + 12, 1)


def _box(node: Node, node_width: float, middle: float, top: float) -> Box:
    is_outside = node.resources == 0
    pill_width = _pill_width(node)
    counted = f"{node.resources} resource{'s' if node.resources > 1 else ''}"
    return Box(
        x=round(middle - node_width / 2, 1),
        y=top,
        name=fitted(node.name, node_width - 24, NAME_SIZE),
        kind=fitted(node.kind, node_width - 28 - pill_width, 11),
        data_class=node.data_class.replace(" ", "-"),
        pill=node.data_class,
        pill_width=pill_width,
        is_outside=is_outside,
        tooltip=f"{node.name}: {node.kind}"
        + ("" if is_outside else f", {counted}, data class {node.data_class}")
        + (f", {node.detail}" if node.detail else "")
        + (f", declared in {node.source}" if node.source else ""),
    )


def _lines(
    edges: Sequence[Edge],
    placed: Layout,
    row_of: dict[str, int],
    tops: Sequence[float],
    shift: float,
    node_width: float,
) -> list[Line]:
    ports = _ports(placed, shift, node_width)
    lines = []
    for edge in edges:
        pair = (edge.source, edge.target)
        route = placed.routes[pair]
        points = []
        for index, slot in enumerate(route):
            is_node = isinstance(slot, str)
            top = tops[row_of[slot] if isinstance(slot, str) else slot[2]]
            x = ports[pair, slot] if is_node else shift + placed.x[slot]
            if index > 0:
                points.append((x, top))
            if index < len(route) - 1:
                points.append((x, top + NODE_HEIGHT))
        is_downward = route[0] == edge.source
        said = f": {', '.join(edge.properties)}" if edge.properties else ""
        verb = {
            Tie.SENDS: "sends to",
            Tie.REFERS: "refers to",
            Tie.WAITS: "is made after",
            Tie.STANDS_BY: "falls back to",
        }[edge.tie]
        lines.append(
            Line(
                path=_curve(points if is_downward else points[::-1]),
                tie=edge.tie.replace(" ", "-"),
                marker="to-sends" if edge.tie is Tie.SENDS else "to",
                tooltip=f"{edge.source} {verb} {edge.target}{said}",
            )
        )
    return lines


def _ports(placed: Layout, shift: float, node_width: float) -> dict[tuple[tuple[str, str], Slot], float]:
    """Horizontal positions where edges leave or enter a node: side by side, in the order of their other ends."""
    ends: dict[tuple[Slot, bool], list[tuple[float, tuple[str, str]]]] = {}
    for pair, route in placed.routes.items():
        ends.setdefault((route[0], True), []).append((placed.x[route[1]], pair))
        ends.setdefault((route[-1], False), []).append((placed.x[route[-2]], pair))
    found = {}
    for (slot, _), leaving in ends.items():
        step = min(22.0, (node_width - 40) / max(len(leaving) - 1, 1))
        for index, (_, pair) in enumerate(sorted(leaving)):
            found[pair, slot] = shift + placed.x[slot] + (index - (len(leaving) - 1) / 2) * step
    return found


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """A curve through the points, upright at each; the last bit is left to the arrow's head."""
    (x, y), *others = points
    path = f"M{x:.1f},{y:.1f}"
    for number, (next_x, next_y) in enumerate(others):
        if number == len(others) - 1:
            next_y += -5 if next_y > y else 5
        middle = (y + next_y) / 2
        path += (
            f"V{next_y:.1f}"
            if abs(next_x - x) < 0.1
            else (f"C{x:.1f},{middle:.1f} {next_x:.1f},{middle:.1f} {next_x:.1f},{next_y:.1f}")
        )
        x, y = next_x, next_y
    return path
