"""Rows keep nodes apart, and edges out of nodes."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pictures.rows import LANE, layout, ranked
from tests.run.soak import trials

NODE, GAP = 100.0, 10.0
NAMES = [f"n{number}" for number in range(14)]
pairs = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30, unique=True)


def downward(found: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(source, target) for source, target in found if NAMES.index(source) < NAMES.index(target)]


@given(pairs)
def test_every_edge_without_a_circle_goes_down(found: list[tuple[str, str]]) -> None:
    edges = downward(found)
    rows = ranked(NAMES, edges)
    row_of = {node: place for place, row in enumerate(rows) for node in row}
    assert all(row_of[source] < row_of[target] for source, target in edges)
    assert sorted(row_of) == sorted(NAMES)


@given(pairs)
def test_a_circle_loses_no_node(found: list[tuple[str, str]]) -> None:
    assert sorted(node for row in ranked(NAMES, found) for node in row) == sorted(NAMES)


@settings(max_examples=trials(30, 500))
@given(pairs)
def test_nodes_and_passing_edges_never_overlap(found: list[tuple[str, str]]) -> None:
    edges = downward(found)
    rows = ranked(NAMES, edges)
    placed = layout(rows, edges, NODE, GAP)
    for place, row in enumerate(rows):
        taken = [(placed.x[node], NODE) for node in row]
        taken += [(placed.x[slot], LANE) for slot in placed.x if not isinstance(slot, str) and slot[2] == place]
        for (left, left_width), (right, right_width) in pairwise(sorted(taken)):
            assert right - left >= (left_width + right_width) / 2 + GAP - 0.2


@settings(max_examples=trials(30, 500))
@given(pairs)
def test_an_edge_passes_each_row_between_its_ends_once(found: list[tuple[str, str]]) -> None:
    edges = downward(found)
    rows = ranked(NAMES, edges)
    row_of = {node: place for place, row in enumerate(rows) for node in row}
    for (source, target), route in layout(rows, edges, NODE, GAP).routes.items():
        assert (route[0], route[-1]) == (source, target)
        between = list(range(row_of[source] + 1, row_of[target]))
        assert [slot[2] for slot in route[1:-1]] == between


def test_crossings_are_untangled() -> None:
    placed = layout([["n0", "n1"], ["n2", "n3"]], [("n0", "n3"), ("n1", "n2")], NODE, GAP)
    assert (placed.x["n0"] < placed.x["n1"]) == (placed.x["n3"] < placed.x["n2"])
