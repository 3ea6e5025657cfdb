"""What the routes to a database are made of, read from a plan."""

from dataclasses import replace

import pytest

from components.resource_types import tokens
from database.declared import declared
from database.errors import DatabaseError
from tests.database.cloud import PREFIX, TAGS, declared_plan


def test_the_serving_hosts_names_and_ports_are_read() -> None:
    found = declared(declared_plan(port=5433))
    assert (found.hostname, found.port, found.pooler_port) == ("localhost", 5433, 6432)
    assert (found.tunnel, found.pooler_tunnel) == ("db.example.ca", "pooler.example.ca")
    assert found.node_tags == TAGS
    assert found.roles == ["app", "migrator", "monitor", "public_read", "read_only"]
    assert found.parameter("/passwords/app") == f"{PREFIX}/postgres/passwords/app"


def test_without_a_tunnel_there_is_no_name_of_one() -> None:
    found = declared(declared_plan(has_tunnel=False))
    assert (found.tunnel, found.pooler_tunnel) == (None, None)


@pytest.mark.parametrize("serving", [0, 2])
def test_a_stack_must_have_one_serving_host(serving: int) -> None:
    with pytest.raises(DatabaseError, match=f"dev: declares {serving} serving hosts; one is needed"):
        declared(declared_plan(serving=serving))


def test_a_parameter_that_is_not_declared_is_refused() -> None:
    plan = declared_plan()
    without = replace(plan, resources=tuple(one for one in plan.resources if one.type != tokens.PARAMETER))
    with pytest.raises(DatabaseError, match="declares 0 parameters that end in /postgres/tls-authorities"):
        declared(without).parameter("/postgres/tls-authorities")
