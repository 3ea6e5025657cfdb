"""The topology of a plan: what the program declares at its top, by layer, and what refers to what."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from components.resource_types import tokens
from components.resource_types.row import Layer
from components.resource_types.table import layer_of
from plan.failover import has_standby
from plan.model import PROVIDERS, Plan, Resource, at

NOT_DECLARED = "not declared"


class Tie(StrEnum):
    """Why an edge is there."""

    SENDS = "sends"
    """Requests or data go there."""

    REFERS = "refers"
    """A property is made of the other's output, or names it."""
    WAITS = "waits"
    """It is made after the other, and knows nothing of it."""
    STANDS_BY = "stands by"


CLIENT = "clients"
# What sends to what, by the last parts of types; where the two refer to each other, in whichever direction.
TRAFFIC = (
    *((CLIENT, kind) for kind in ("FailoverHost", "FailoverPagesHost", "ApiWorker")),
    ("FailoverHost", "WebSite"),
    ("FailoverPagesHost", "PagesStaticSite"),
    *((kind, "stand-by") for kind in ("FailoverHost", "FailoverPagesHost")),
    *(("WebSite", kind) for kind in ("ApiWorker", "Identity")),
    *(("ApiWorker", kind) for kind in ("Identity", "MediaBucket", "HyperdrivePair", "PrivateTunnel", "PublicDatabase")),
    *(("HyperdrivePair", kind) for kind in ("PrivateTunnel", "PublicDatabase")),
    *((kind, "PostgresHost") for kind in ("PrivateTunnel", "PublicDatabase")),
    ("PostgresHost", "BackupRepository"),
    ("BackupRepository", "copy"),
)
# Properties with a resource's name, in plain text.
_NAMES = ("name", "bucket", "hostname")


@dataclass(frozen=True, kw_only=True)
class Node:
    """A component at the program's top, a resource without one, or somebody outside whom a resource names."""

    id: str
    name: str
    kind: str
    layer: Layer
    data_class: str
    resources: int
    """How many are in it; 0 for somebody outside."""
    detail: str
    """A host name or address that people know it by, or empty."""
    source: str


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A dependency, from what refers or waits to what it needs."""

    source: str
    target: str
    tie: Tie
    properties: tuple[str, ...]
    """Which say so, as NAME.PROPERTY."""


@dataclass(frozen=True, kw_only=True)
class Graph:
    stack: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    providers: int = 0
    """Resources that are left out, because everything refers to them."""

    def layers(self) -> list[tuple[Layer, list[Node]]]:
        """Layers from the outermost; empty ones are left out."""
        found = [(layer, [node for node in self.nodes if node.layer is layer]) for layer in Layer]
        return [(layer, nodes) for layer, nodes in found if nodes]

    def document(self) -> dict[str, Any]:
        """Plain data for programs."""
        return asdict(self)


def graph(plan: Plan) -> Graph:
    """The graph of a plan, recorded or read, without its providers."""
    tops = [one for one in plan.children(None) if not one.type.startswith(PROVIDERS)]
    ids = _ids(tops)
    outside = list(_outside(plan, ids))
    nodes = [_node(plan, top, ids[top.urn]) for top in tops] + [node for node, _ in outside]
    edges = [*_edges(plan, ids), *(edge for _, edge in outside)]
    return Graph(
        stack=plan.stack,
        nodes=tuple({node.id: node for node in nodes}.values()),
        edges=tuple(sorted(edges, key=lambda edge: (edge.source, edge.target))),
        providers=sum(one.type.startswith(PROVIDERS) for one in plan.resources),
    )


def traffic(plan: Plan) -> Graph:
    """Who sends what to whom: clients, the edge, the database, its backups and their copy, and what stands by."""
    whole = graph(plan)
    kinds = {node.id: node.kind for node in whole.nodes} | {CLIENT: CLIENT}
    given = {(edge.source, edge.target): edge for edge in whole.edges}
    ends = [node.id for node in whole.nodes if (CLIENT, node.kind) in TRAFFIC and node.detail]
    found = [_sends(CLIENT, end) for end in ends]
    for (source, target), edge in given.items():
        if edge.tie is Tie.STANDS_BY:
            found.append(edge)
        elif (kinds[source], kinds[target]) in TRAFFIC:
            found.append(_sends(source, target))
        elif (kinds[target], kinds[source]) in TRAFFIC:
            found.append(_sends(target, source))
    copies = {node.id: copy for node in whole.nodes for copy in _copies(plan, node)}
    found += [_sends(source, copy.id) for source, copy in copies.items()]
    client = Node(
        id=CLIENT,
        name=CLIENT,
        kind="browsers and apps",
        layer=Layer.FAILOVER,
        data_class="none",
        resources=0,
        detail="",
        source="",
    )
    nodes = [*([client] if ends else []), *whole.nodes, *copies.values()]
    used = {end for edge in found for end in (edge.source, edge.target)}
    edges = {(edge.source, edge.target): edge for edge in found}
    return Graph(
        stack=plan.stack,
        nodes=tuple(node for node in nodes if node.id in used),
        edges=tuple(edges[pair] for pair in sorted(edges)),
        providers=whole.providers,
    )


def _sends(source: str, target: str) -> Edge:
    return Edge(source=source, target=target, tie=Tie.SENDS, properties=())


def _copies(plan: Plan, repository: Node) -> Iterator[Node]:
    """The bucket in another region that a repository is copied to, as a node beside it."""
    for resource in plan.of_type(tokens.REPLICATION) if repository.kind == "BackupRepository" else ():
        target = at(resource.inputs, "rules", 0, "destination", "bucket")
        for bucket in plan.of_type(tokens.BUCKET):
            if isinstance(target, str) and target == f"arn:aws:s3:::{bucket.inputs.get('bucket')}":
                region = str(bucket.inputs.get("region"))
                yield replace(
                    repository, id=f"{repository.id} {region}", name=f"copy in {region}", kind="copy", detail=target
                )


def _ids(tops: list[Resource]) -> dict[str, str]:
    """Short and unique: the name, with the type's last part where two share it."""
    shared = Counter(top.name for top in tops)
    return {top.urn: top.name if shared[top.name] == 1 else f"{top.name}-{top.type.rpartition(':')[2]}" for top in tops}


def _node(plan: Plan, top: Resource, node_id: str) -> Node:
    hostname = next((one.inputs.get("name") for one in _below(plan, top) if one.type.endswith(":DnsRecord")), "")
    return Node(
        id=node_id,
        name=top.name,
        kind=top.type.rpartition(":")[2],
        layer=layer_of(top.type),
        data_class=_data_class(top),
        resources=sum(one.custom for one in _below(plan, top)),
        detail=hostname if isinstance(hostname, str) else "",
        source=top.declared_at,
    )


def _data_class(top: Resource) -> str:
    """A component's, or the tag of a resource without one."""
    tags = top.inputs.get("tags")
    tagged = tags.get("data-class") if isinstance(tags, dict) else None
    declared = top.inputs.get("dataClass", tagged)
    return declared if isinstance(declared, str) else NOT_DECLARED


def _below(plan: Plan, top: Resource) -> Iterator[Resource]:
    yield top
    for child in plan.children(top.urn):
        yield from _below(plan, child)


def _edges(plan: Plan, ids: dict[str, str]) -> Iterator[Edge]:
    owner = {one.urn: ids[urn] for urn in ids for one in _below(plan, plan.by_urn[urn])}
    names = _names(plan, owner)
    refers: dict[tuple[str, str], set[str]] = {}
    waits: set[tuple[str, str]] = set()
    for resource in plan.resources:
        source = owner.get(resource.urn)
        if source is None:
            continue
        for target, path in _references(resource, owner, names):
            if target != source:
                refers.setdefault((source, target), set()).add(f"{resource.name}.{path}")
        waits |= {(source, owner[urn]) for urn in resource.dependencies if urn in owner and owner[urn] != source}
    for (source, target), properties in refers.items():
        yield Edge(source=source, target=target, tie=Tie.REFERS, properties=tuple(sorted(properties)))
    for source, target in waits - refers.keys():
        yield Edge(source=source, target=target, tie=Tie.WAITS, properties=())


def _names(plan: Plan, owner: dict[str, str]) -> dict[str, str]:
    """Owner by the text that others name one of its resources by; a text that several have names none."""
    found: dict[str, set[str]] = {}
    for resource in plan.resources:
        for key in _NAMES:
            value = resource.inputs.get(key)
            if resource.custom and resource.urn in owner and isinstance(value, str):
                found.setdefault(value, set()).add(owner[resource.urn])
    return {text: owners.pop() for text, owners in found.items() if len(owners) == 1}


def _references(resource: Resource, owner: dict[str, str], names: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Owner of what is referred to, and by which property."""
    for path, urns in resource.property_dependencies.items():
        yield from ((owner[urn], path) for urn in urns if urn in owner)
    for key, value in resource.inputs.items():
        for text in _texts(value):
            if text in names:
                yield names[text], key


def _texts(value: Any) -> Iterator[str]:
    """Plain texts only: a secret names nobody."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _outside(plan: Plan, ids: dict[str, str]) -> Iterator[tuple[Node, Edge]]:
    """The stand-by, who deploys, and who is told of alarms: named by a property, declared by nobody here."""
    for urn, top_id in ids.items():
        top = plan.by_urn[urn]
        for resource in _below(plan, top):
            yield from _named_by(plan, resource, top_id, top)


def _named_by(plan: Plan, resource: Resource, top_id: str, top: Resource) -> Iterator[tuple[Node, Edge]]:
    inputs, type_name = resource.inputs, resource.type.rpartition(":")[2]
    if type_name == "DnsRecord" and inputs.get("type") == "CNAME":
        tie = Tie.STANDS_BY if has_standby(plan, top) else Tie.REFERS
        found = ("content", "stand-by", tie)
    elif type_name == "OpenIdConnectProvider":
        found = ("url", "deploys", Tie.REFERS)
    elif type_name == "TopicSubscription":
        found = ("endpoint", "mailbox", Tie.REFERS)
    else:
        return
    path, kind, tie = found
    value = inputs.get(path)
    if not isinstance(value, str):
        return
    host = value.removeprefix("https://")
    node = Node(
        id=host, name=host, kind=kind, layer=layer_of(top.type), data_class="none", resources=0, detail="", source=""
    )
    yield node, Edge(source=top_id, target=host, tie=tie, properties=(f"{resource.name}.{path}",))


_ARROWS = {Tie.SENDS: "==>", Tie.REFERS: "-->", Tie.WAITS: "-.->", Tie.STANDS_BY: "-.->|stands by|"}


def mermaid(found: Graph) -> str:
    """The graph as a flowchart for Markdown documents."""
    keys = {node.id: f"n{index}" for index, node in enumerate(found.nodes)}
    lines = ["flowchart TB"]
    for index, (layer, nodes) in enumerate(found.layers()):
        lines.append(f'  subgraph l{index}["{layer}"]')
        for node in nodes:
            label = f"<b>{_plain(node.name)}</b><br/>{_plain(node.kind)}"
            opening, closing = ('["', '"]') if node.resources else ('(["', '"])')
            lines.append(f"    {keys[node.id]}{opening}{label}{closing}:::data_{node.data_class.replace(' ', '_')}")
        lines.append("  end")
    lines += [f"  {keys[edge.source]} {_ARROWS[edge.tie]} {keys[edge.target]}" for edge in found.edges]
    lines += [f"  classDef data_{name} stroke:{colour},stroke-width:2px" for name, colour in _COLOURS.items()]
    return "\n".join(lines) + "\n"


_COLOURS = {
    "regulated": "#0a58ca",
    "personal": "#8a3ffc",
    "public": "#0f7b6c",
    "none": "#7a848e",
    "not_declared": "#c4271d",
}


def _plain(text: str) -> str:
    """Escapes what is syntax in Mermaid."""
    return "".join(f"#{ord(letter)};" if letter in '"<>#;' else letter for letter in text)
