"""Nodes in rows, so that edges are short, cross little and never run through a node (Sugiyama's method).

By hand: Graphviz does as much, but it is a program that each machine that draws would have to have.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SWEEPS, SETTLING = 24, 160
LANE = 16.0
"""Room of an edge that passes a row."""
STRAIGHT, HOME = 2.0, 0.04

Slot = tuple[str, str, int] | str
"""A node, or an edge on its way through a row: source, target and row."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    x: Mapping[Slot, float]
    """Middle of each slot."""
    routes: Mapping[tuple[str, str], list[Slot]]
    """Each edge's slots from its upper to its lower end."""
    width: float


def ranked(nodes: Sequence[str], edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Rows in which every edge between these nodes goes down; edges that close a circle are passed over."""
    wanted = [(source, target) for source, target in edges if source in nodes and target in nodes]
    depth = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for source, target in wanted:
            if depth[target] <= depth[source] < len(nodes) - 1:
                depth[target] = depth[source] + 1
    rows: dict[int, list[str]] = {}
    for node in nodes:
        rows.setdefault(depth[node], []).append(node)
    return [rows[row] for row in sorted(rows)]


def layout(rows: Sequence[Sequence[str]], edges: Iterable[tuple[str, str]], node_width: float, gap: float) -> Layout:
    """Lays out nodes in rows; the two ends of an edge must be in different rows."""
    row_of = {node: index for index, row in enumerate(rows) for node in row}
    routes = {edge: _route(edge, row_of) for edge in edges}
    slots: list[list[Slot]] = [list(row) for row in rows]
    near: dict[Slot, list[Slot]] = {}
    for route in routes.values():
        for row, slot in enumerate(route[1:-1], start=row_of[_node(route[0])] + 1):
            slots[row].append(slot)
        for upper, lower in itertools.pairwise(route):
            near.setdefault(upper, []).append(lower)
            near.setdefault(lower, []).append(upper)
    order = _ordered(slots, near)
    x = _placed(order, near, node_width, gap)
    left = min((middle - _width(slot, node_width) / 2 for slot, middle in x.items()), default=0.0)
    right = max((middle + _width(slot, node_width) / 2 for slot, middle in x.items()), default=0.0)
    return Layout(x={slot: round(middle - left, 1) for slot, middle in x.items()}, routes=routes, width=right - left)


def _node(slot: Slot) -> str:
    return slot if isinstance(slot, str) else slot[0]


def _width(slot: Slot, node_width: float) -> float:
    return node_width if isinstance(slot, str) else LANE


def _route(edge: tuple[str, str], row_of: Mapping[str, int]) -> list[Slot]:
    source, target = edge
    upper, lower = sorted((source, target), key=lambda node: row_of[node])
    return [upper, *((source, target, row) for row in range(row_of[upper] + 1, row_of[lower])), lower]


def _ordered(rows: Sequence[Sequence[Slot]], near: Mapping[Slot, Sequence[Slot]]) -> list[list[Slot]]:
    """Each slot at the mean position of those it is joined to, down and up in turn; the best order found is kept."""
    order = [list(row) for row in rows]
    best, fewest = [list(row) for row in order], _crossings(order, near)
    for sweep in range(SWEEPS):
        step = 1 if sweep % 2 == 0 else -1
        for index in range(len(order))[::step][1:]:
            order[index] = _sorted(order[index], order[index - step], near)
        crossings = _crossings(order, near)
        if crossings < fewest:
            best, fewest = [list(row) for row in order], crossings
    return best


def _sorted(row: Sequence[Slot], beside: Sequence[Slot], near: Mapping[Slot, Sequence[Slot]]) -> list[Slot]:
    position = {slot: float(number) for number, slot in enumerate(beside)}
    means = {slot: _mean(near, slot, position, float(number)) for number, slot in enumerate(row)}
    return sorted(row, key=means.__getitem__)


def _mean(near: Mapping[Slot, Sequence[Slot]], slot: Slot, position: Mapping[Slot, float], otherwise: float) -> float:
    found = [position[other] for other in near.get(slot, ()) if other in position]
    return sum(found) / len(found) if found else otherwise


def _crossings(order: Sequence[Sequence[Slot]], near: Mapping[Slot, Sequence[Slot]]) -> int:
    total = 0
    for upper, lower in itertools.pairwise(order):
        position = {slot: number for number, slot in enumerate(lower)}
        ends = [sorted(position[other] for other in near.get(slot, ()) if other in position) for slot in upper]
        flat = [end for group in ends for end in group]
        total += sum(flat[first] > later for first in range(len(flat)) for later in flat[first + 1 :])
    return total


def _placed(
    order: Sequence[Sequence[Slot]], near: Mapping[Slot, Sequence[Slot]], node_width: float, gap: float
) -> dict[Slot, float]:
    """Near the mean of its neighbours, in its order, and free of those beside it."""
    x: dict[Slot, float] = {}
    for row in order:
        x.update(_spread(row, [0.0] * len(row), node_width, gap))
    for _ in range(SETTLING):
        for row in order:
            x.update(_spread(row, [_pull(near, slot, x) for slot in row], node_width, gap))
    return x


def _pull(near: Mapping[Slot, Sequence[Slot]], slot: Slot, x: Mapping[Slot, float]) -> float:
    """Position that a slot's neighbours pull it to. An edge on its way keeps straight before it turns to a node."""
    others = near.get(slot, ())
    weights = [1.0 if isinstance(slot, str) or isinstance(other, str) else STRAIGHT for other in others]
    # And a little to the middle, so that the picture stays narrow.
    return sum(x[other] * weight for other, weight in zip(others, weights, strict=True)) / (sum(weights) + HOME)


def _spread(row: Sequence[Slot], wanted: Sequence[float], node_width: float, gap: float) -> dict[Slot, float]:
    """The positions nearest to the wanted ones that keep the order and the gaps (pooling of neighbours that clash)."""
    offsets, offset = [], 0.0
    for index, slot in enumerate(row):
        if index:
            offset += (_width(row[index - 1], node_width) + _width(slot, node_width)) / 2 + gap
        offsets.append(offset)
    pools: list[list[float]] = []
    for want, base in zip(wanted, offsets, strict=True):
        pools.append([want - base, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            mean, size = pools.pop()
            first = pools[-1]
            pools[-1] = [(first[0] * first[1] + mean * size) / (first[1] + size), first[1] + size]
    shifts = [mean for mean, size in pools for _ in range(int(size))]
    return {slot: shift + base for slot, shift, base in zip(row, shifts, offsets, strict=True)}
