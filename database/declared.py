"""What a stack declares about its database's host and the routes to it, read from the recorded plan."""

from dataclasses import dataclass

from components.resource_types import tokens
from database.errors import DatabaseError
from host.specification import reading
from host.specification.model import Spec
from plan.model import Plan, Resource, reveal


@dataclass(frozen=True, kw_only=True)
class Declared:
    """Names and ports; no secret."""

    stack: str
    database: str
    hostname: str
    """Name in the server's certificate."""
    port: int
    pooler_port: int
    tunnel: str | None
    """Host name under which the tunnel leads to PostgreSQL; None where it does not."""
    pooler_tunnel: str | None
    """The same for the pooler."""
    node_tags: dict[str, str]
    """Tags of the serving host, as Systems Manager knows it."""
    parameters: tuple[str, ...]
    """Names in Parameter Store."""

    def parameter(self, suffix: str) -> str:
        """The one parameter whose name ends so. Raises DatabaseError."""
        found = [name for name in self.parameters if name.endswith(suffix)]
        if len(found) != 1:
            raise DatabaseError(f"{self.stack}: declares {len(found)} parameters that end in {suffix}; one is needed")
        return found[0]

    @property
    def roles(self) -> list[str]:
        """Roles that have a password."""
        marker = "/postgres/passwords/"
        return sorted(name.rpartition(marker)[2] for name in self.parameters if marker in name)


def declared(plan: Plan) -> Declared:
    """Raises DatabaseError where the plan lacks what the routes need."""
    serving = [found for found in plan.of_type(tokens.POSTGRES_HOST) if specification(found).postgres.is_serving]
    if len(serving) != 1:
        raise DatabaseError(f"{plan.stack}: declares {len(serving)} serving hosts; one is needed")
    (host,) = serving
    given = specification(host)
    port, pooler_port = given.postgres.port, given.pooler.port
    routes = _tunnel_routes(plan)
    return Declared(
        stack=plan.stack,
        database=given.postgres.database,
        hostname=given.tls.hostnames[0],
        port=port,
        pooler_port=pooler_port,
        tunnel=routes.get(f"tcp://localhost:{port}"),
        pooler_tunnel=routes.get(f"tcp://localhost:{pooler_port}"),
        node_tags=_node_tags(plan, host),
        parameters=tuple(reveal(found.inputs["name"]) for found in plan.of_type(tokens.PARAMETER)),
    )


def nodes(plan: Plan) -> dict[str, dict[str, str]]:
    """Tags of each declared host, by its name."""
    return {host.name: _node_tags(plan, host) for host in plan.of_type(tokens.POSTGRES_HOST)}


def specification(host: Resource) -> Spec:
    return reading.declared(reveal(host.inputs["specification"]))


def _tunnel_routes(plan: Plan) -> dict[str, str]:
    """The tunnel's host names by what they lead to."""
    configs = [reveal(found.inputs["config"]) for found in plan.of_type(tokens.TUNNEL_CONFIG)]
    rules = [reveal(rule) for config in configs for rule in reveal(config["ingresses"])]
    return {str(reveal(rule["service"])): str(reveal(rule["hostname"])) for rule in rules if "hostname" in rule}


def _node_tags(plan: Plan, host: Resource) -> dict[str, str]:
    """Tags of the host's own activation: a node gets those of what it was registered with."""
    own = [found for found in plan.of_type(tokens.ACTIVATION) if _is_below(plan, found, host.urn)]
    if len(own) != 1:
        raise DatabaseError(f"{plan.stack}: {host.name} declares {len(own)} activations; one is needed")
    tags: dict[str, str] = reveal(own[0].inputs.get("tags", {}))
    return {name: str(reveal(value)) for name, value in tags.items()}


def _is_below(plan: Plan, resource: Resource, urn: str) -> bool:
    parent = resource.parent
    while parent is not None and parent != urn:
        parent = plan.by_urn[parent].parent if parent in plan.by_urn else None
    return parent == urn
