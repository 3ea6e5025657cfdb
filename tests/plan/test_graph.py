"""The topology shows every part of a stack once, and what refers to what."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from components.resource_types.row import Layer
from plan.graph import Graph, Tie, graph, mermaid
from plan.model import Computed, Plan, Resource
from tests.commands import hybrid


@pytest.fixture(scope="module")
def found(prod_plan: Plan) -> Graph:
    return graph(prod_plan)


def made(name: str, type_token: str = "hybrid:edge:WebSite", **more: object) -> Resource:
    urn = f"urn:pulumi:dev::hybrid::{type_token}::{name}"
    return replace(Resource(urn=urn, type=type_token, name=name, custom=True), **more)  # type: ignore[arg-type]


def ties(found: Graph) -> dict[tuple[str, str], Tie]:
    return {(edge.source, edge.target): edge.tie for edge in found.edges}


def test_every_resource_but_the_providers_is_in_one_node(dev_plan: Plan, prod_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, prod_plan, direct_plan):
        counted = sum(node.resources for node in graph(plan).nodes)
        assert counted == sum(one.custom and not one.type.startswith("pulumi:providers:") for one in plan.resources)


def test_every_component_of_the_program_has_a_layer(dev_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, direct_plan):
        assert [node.id for node in graph(plan).nodes if node.layer is Layer.OTHERS] == []


def test_layers_go_from_visitors_to_identity(found: Graph) -> None:
    assert [layer for layer, _ in found.layers()] == [layer for layer in Layer if layer is not Layer.OTHERS]


def test_identifiers_are_unique(dev_plan: Plan, direct_plan: Plan) -> None:
    for plan in (dev_plan, direct_plan):
        ids = [node.id for node in graph(plan).nodes]
        assert len(set(ids)) == len(ids)


def test_edges_follow_references(found: Graph) -> None:
    assert {
        ("site", "web"): Tie.REFERS,
        ("web", "api"): Tie.REFERS,
        ("api", "hyperdrive"): Tie.REFERS,
        ("hyperdrive", "tunnel"): Tie.REFERS,
        ("hyperdrive", "convergence"): Tie.WAITS,
        ("postgres-a", "backups"): Tie.REFERS,
        ("identity", "boundary"): Tie.REFERS,
        ("site", "cname.vercel-dns-0.com"): Tie.STANDS_BY,
    }.items() <= ties(found).items()


def test_no_edge_leads_to_itself_or_to_nothing(found: Graph) -> None:
    ids = {node.id for node in found.nodes}
    assert [edge for edge in found.edges if edge.source == edge.target] == []
    assert {end for edge in found.edges for end in (edge.source, edge.target)} <= ids


def test_an_edge_says_which_property_it_follows(found: Graph) -> None:
    (edge,) = [one for one in found.edges if (one.source, one.target) == ("site", "web")]
    assert edge.properties == ("site-route.script",)


def test_two_parts_of_one_name_are_told_apart() -> None:
    parts = (made("a"), made("a", "hybrid:edge:ApiWorker"))
    assert [node.id for node in graph(Plan(project="hybrid", stack="dev", resources=parts)).nodes] == [
        "a-WebSite",
        "a-ApiWorker",
    ]


def test_a_resource_without_a_component_has_its_tag_or_says_that_it_has_none() -> None:
    parts = (made("a", inputs={"tags": {"data-class": "public"}}), made("b"))
    drawn = graph(Plan(project="hybrid", stack="dev", resources=parts))
    assert [node.data_class for node in drawn.nodes] == ["public", "not declared"]


def test_a_text_that_two_parts_are_called_by_joins_nothing() -> None:
    parts = (
        made("a", inputs={"name": "shared"}),
        made("b", inputs={"name": "shared"}),
        made("c", inputs={"script": "shared"}),
    )
    assert graph(Plan(project="hybrid", stack="dev", resources=parts)).edges == ()


def test_a_host_name_that_is_not_known_yet_makes_no_node() -> None:
    record = made("a", "cloudflare:index/dnsRecord:DnsRecord", inputs={"type": "CNAME", "content": Computed()})
    assert len(graph(Plan(project="hybrid", stack="dev", resources=(record,))).nodes) == 1


def test_an_empty_plan_has_an_empty_graph() -> None:
    assert graph(Plan(project="hybrid", stack="dev", resources=())).nodes == ()


def test_mermaid_names_every_node_once_and_only_those(found: Graph) -> None:
    written = mermaid(found)
    named = re.findall(r"^    (n\d+)[\[(]", written, re.MULTILINE)
    assert sorted(named) == sorted(f"n{place}" for place in range(len(found.nodes)))
    used = re.findall(r"^  (n\d+) \S+(?: by\|)? (n\d+)$", written, re.MULTILINE)
    assert len(used) == len(found.edges)
    assert {key for pair in used for key in pair} <= set(named)


def test_mermaid_closes_every_layer(found: Graph) -> None:
    lines = mermaid(found).splitlines()
    assert sum(line.startswith("  subgraph ") for line in lines) == lines.count("  end") == len(found.layers())


def test_mermaid_escapes_what_it_would_read_as_its_own() -> None:
    written = mermaid(graph(Plan(project="hybrid", stack="dev", resources=(made('a"]<b>'),))))
    assert "a#34;]#60;b#62;" in written


@pytest.mark.slow
def test_the_command_writes_mermaid_json_and_a_picture(tmp_path: Path) -> None:
    assert hybrid("graph", "dev").out.startswith("flowchart TB\n")
    assert json.loads(hybrid("graph", "dev", "--format", "json").out)["stack"] == "dev"
    picture = tmp_path / "graph.svg"
    assert hybrid("graph", "dev", "--format", "svg", "--output", str(picture)).code == 0
    assert picture.read_text().startswith("<svg ")
