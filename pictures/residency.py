"""The residency map as a picture: Canada with its border, what rests inside it, and what is outside or everywhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from components.resource_types.row import Role
from pictures import canada
from pictures.drawing import TEMPLATES, fitted, width, wrapped
from policies.map.locations import COORDINATES, Ground, Where
from policies.map.residency import CLASSES, Entry, Flow, ResidencyMap

WIDTH, MARGIN, TOP, MAP_WIDTH, MAP_HEIGHT, GAP = 1240, 16, 78, 850, 740, 14
# What the map shows of the sea around the land.
SEA = 22
ROW, LINE, HEAD, PAD = 19, 15, 44, 12
# Where cards lie inside the border, from the map's top left corner: left, bottom and width, by city. They grow upwards
# from there, so that cities and what goes between them stay in sight; a larger one than the map grows downwards.
SPOTS = {"Montreal": (330, 522, 364), "Calgary": (24, 394, 292)}
NAMES = {
    Ground.EDGE: ("Everywhere", "Cloudflare's edge: no region"),
    Ground.GLOBAL: ("No region", "AWS services of the whole account"),
    Ground.THIRD_PARTY: ("Other parties", "wherever they are"),
    Ground.UNKNOWN: ("Not known", "no property says where"),
    Ground.ABROAD: ("Outside Canada", "by what its type does"),
    Ground.STATE: ("In the state", "and nowhere else"),
}
LEGEND_HEIGHT = 141
OUTSIDE = (Ground.UNKNOWN, Ground.ABROAD, Ground.EDGE, Ground.THIRD_PARTY, Ground.GLOBAL, Ground.STATE)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One place in a card."""

    y: float
    role: str
    data_class: str
    what: str
    which: str
    more: list[str]
    """Further lines of `which`."""
    pill: str
    pill_width: float
    is_at_fault: bool
    tooltip: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """All places of one kind of location or city."""

    x: float
    y: float
    width: float
    height: float
    title: str
    subtitle: str
    rows: list[Row]
    is_at_fault: bool
    dot: tuple[float, float] | None
    """The city on the map."""

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """Data on its way, between two cards."""

    path: str
    label: list[str]
    """Lines."""
    data_class: str
    x: float
    y: float


def svg(found: ResidencyMap) -> str:
    """The picture."""
    canvas = canada.fit(MARGIN + SEA, TOP + SEA, MAP_WIDTH - 2 * SEA, MAP_HEIGHT - 2 * SEA)
    inside = _inside(found.entries, canvas)
    outside = _outside(found.entries)
    legend = max([TOP + 26.0, *(card.bottom + GAP for card in outside)])
    bottom = max([TOP + MAP_HEIGHT, legend + LEGEND_HEIGHT, *(card.bottom for card in inside)])
    text: str = TEMPLATES.get_template("residency.svg.j2").render(
        width=WIDTH,
        height=bottom + MARGIN,
        legend_x=MARGIN + MAP_WIDTH + GAP,
        legend_y=legend,
        legend_height=LEGEND_HEIGHT,
        margin=MARGIN,
        top=TOP,
        map_width=MAP_WIDTH,
        map_height=bottom - TOP,
        title=f"{found.stack}: where every byte lives",
        summary=found.summary,
        counted=f"{found.resources} resources",
        is_at_fault=bool(found.faults),
        land=canvas.path(canada.land().canada),
        neighbours=canvas.path(canada.land().neighbours),
        inside=inside,
        outside=outside,
        arrows=_arrows(found.flows, inside, outside),
    )
    return text


def _inside(entries: Iterable[Entry], canvas: canada.Canvas) -> list[Card]:
    by_city: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.where.ground is Ground.CANADA:
            by_city.setdefault(entry.where.city, []).append(entry)
    cards = []
    for city, own in by_city.items():
        x, bottom, card_width = SPOTS[city]
        region = own[0].where.region
        height = _card(own, 0, 0, card_width, city, region).height
        top = TOP + max(bottom - height, PAD)
        cards.append(_card(own, MARGIN + x, top, card_width, city, region, canvas.point(*COORDINATES[region])))
    return cards


def _outside(entries: Sequence[Entry]) -> list[Card]:
    x = MARGIN + MAP_WIDTH + GAP
    y = float(TOP + 26)
    groups: dict[Where, list[Entry]] = {}
    for ground in OUTSIDE:
        for entry in entries:
            if entry.where.ground is ground:
                groups.setdefault(entry.where, []).append(entry)
    cards = []
    for where, own in groups.items():
        title, subtitle = NAMES[where.ground]
        if where.region:
            title, subtitle = where.city or where.region, f"{where.country or 'outside Canada'} · {where.region}"
        cards.append(_card(own, x, y, WIDTH - MARGIN - x, title, subtitle))
        y = cards[-1].bottom + GAP
    return cards


def _card(
    entries: Sequence[Entry],
    x: float,
    y: float,
    card_width: float,
    title: str,
    subtitle: str,
    dot: tuple[float, float] | None = None,
) -> Card:
    rows: list[Row] = []
    below = y + HEAD
    for entry in entries:
        rows.append(_row(entry, below, card_width))
        below += ROW + LINE * len(rows[-1].more)
    return Card(
        x=x,
        y=y,
        width=card_width,
        height=below - y + PAD - 4,
        title=title,
        subtitle=subtitle,
        rows=rows,
        is_at_fault=any(entry.is_at_fault for entry in entries),
        dot=dot,
    )


def _row(entry: Entry, y: float, card_width: float) -> Row:
    is_quiet = entry.role is Role.NEITHER
    pill = "" if is_quiet else entry.data_class
    pill_width = round(width(pill, 10.5) + 12, 1) if pill else 0.0
    room = card_width - 30 - PAD - pill_width
    what = fitted(entry.what, room)
    which, *more = wrapped(entry.which.replace(" (", "\u00a0("), card_width - 30 - PAD, room - width(what) - 6)
    proof = entry.evidence[0]
    return Row(
        y=y,
        role=entry.role,
        data_class=entry.data_class.replace(" ", "-"),
        what=what,
        which=which,
        more=more,
        pill=pill,
        pill_width=pill_width,
        is_at_fault=entry.is_at_fault,
        tooltip=f"{entry.what} ({', '.join(entry.parts)}): {entry.role} {entry.data_class} data, {entry.where.label}. "
        f"{proof.name} {proof.path}: {proof.value}. {entry.rule}. {entry.note}".strip(),
    )


def _arrows(flows: Iterable[Flow], inside: Sequence[Card], outside: Sequence[Card]) -> list[Arrow]:
    """One arrow for all flows between the same two cards."""
    cards = {card.title: card for card in (*inside, *outside)}
    between: dict[tuple[str, str, str], list[str]] = {}
    for flow in flows:
        key = (_title(flow.source), _title(flow.target), flow.what)
        between.setdefault(key, []).append(flow.data_class)
    arrows: list[Arrow] = []
    for (source, target, what), classes in between.items():
        if source in cards and target in cards and source != target:
            label = [what, *(one for one in CLASSES if one in classes)]
            arrows.append(_arrow(cards[source], cards[target], label, _strictest(classes), len(arrows)))
    return arrows


def _title(where: Where) -> str:
    return where.city or where.region or NAMES.get(where.ground, ("", ""))[0]


def _strictest(classes: Iterable[str]) -> str:
    return next((one for one in CLASSES if one in classes), "none").replace(" ", "-")


def _arrow(source: Card, target: Card, label: list[str], data_class: str, number: int) -> Arrow:
    """Between the cities' dots, or from a card outside to one inside."""
    if source.dot and target.dot:
        (start_x, start_y), (end_x, end_y) = source.dot, target.dot
        middle, low = (start_x + end_x) / 2, max(start_y, end_y) - 20
        end = end_x + (9 if end_x < start_x else -9), end_y + 4
        path = f"M{start_x:g},{start_y:g}Q{middle:g},{low:g} {end[0]:g},{end[1]:g}"
        label = [f"{label[0]}: {' and '.join(label[1:])}"]
        return Arrow(path=path, label=label, data_class=data_class, x=middle, y=(start_y + end_y) / 4 + low / 2 - 26)
    is_leftward = target.right < source.x
    start_x, end_x = (source.x, target.right + 6) if is_leftward else (source.right, target.x - 6)
    # Each at a height of its own.
    start_y, end_y = source.y + 22 + 20 * (not is_leftward), target.y + 22 + 14 * number
    middle = (start_x + end_x) / 2
    half = max(width(line, 11) for line in label) / 2
    # Between the card and the map's border, or beyond that.
    edge = MARGIN + MAP_WIDTH
    x = min(middle, edge - half - PAD) if is_leftward else max(middle, edge + half + PAD)
    return Arrow(
        path=f"M{start_x:g},{start_y:g}C{middle:g},{start_y:g} {middle:g},{end_y:g} {end_x:g},{end_y:g}",
        label=label,
        data_class=data_class,
        x=round(x, 1),
        y=(start_y + end_y) / 2 - 8 - 13 * (len(label) - 1),
    )
