"""The hosts that fail over, and the failover's own resources, read back from recorded plans."""

import json
from pathlib import Path

import pytest

from components.common.labels import Environment, Labels
from components.edge.failover_host import standby_comment
from components.edge.failover_pages_host import LED_THERE, FailoverPagesHost
from components.settings.stack import BUCKET_NAME_LENGTH, LONGEST_BUCKET_SUFFIX
from plan.model import Plan
from tests.changed_stack import record_each, record_with
from tests.components.declared import declared, named

PAGES = "docs-dev.automatonicai.com"
RECORDS = {
    "worker": ("automatonicai-dev-static.pages.dev", True, 1),
    "vercel": ("cname.vercel-dns-0.com", False, 60),
    "vercel-dns": ("cname.vercel-dns-0.com", False, 60),
}


@pytest.fixture(scope="module")
def switched(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plan]:
    """The stack with a host of Pages, by the side that is active."""
    settings = [("dev", {"pagesHostnames": [PAGES], "failoverActive": active}) for active in RECORDS]
    return dict(zip(RECORDS, record_each(tmp_path_factory.mktemp("switched"), settings), strict=True))


@pytest.mark.parametrize("active", RECORDS)
def test_a_host_of_pages_is_switched_by_its_record(active: str, switched: dict[str, Plan]) -> None:
    plan = switched[active]
    name = "pages-docs-dev-automatonicai-com"
    assert declared(plan, FailoverPagesHost, name) == {"DnsRecord": 1, "PagesDomain": 1}
    (inputs,) = [found.inputs for found in plan.resources if found.name == f"{name}-record"]
    assert (inputs["content"], inputs["proxied"], inputs["ttl"]) == RECORDS[active]
    assert inputs["name"] == PAGES


def test_the_failovers_resources_are_said_as_the_provider_keeps_them(tmp_path: Path) -> None:
    plan = record_with(tmp_path, zoneHealthChecks=True)
    checks = [found.inputs for found in plan.resources if found.type.endswith(":Healthcheck")]
    assert [(check["type"], check["httpConfig"]["port"]) for check in checks] == [("HTTPS", 443)] * 2
    (token,) = [found.inputs for found in plan.resources if found.type.endswith(":AccountToken")]
    resources = token["policies"][0]["resources"]
    assert resources == json.dumps(json.loads(resources), separators=(",", ":"))


def test_the_failover_host_is_a_permanent_proxied_record_with_routes(dev_plan: Plan) -> None:
    record = named(dev_plan, "site-record")
    assert record.inputs["proxied"] is True
    assert record.inputs["content"] == "cname.vercel-dns-0.com"
    routes = [named(dev_plan, name) for name in ("site-challenge-acme", "site-challenge-vercel")]
    assert all("script" not in route.inputs for route in routes)
    assert named(dev_plan, "site-route").inputs["script"] == "automatonicai-dev-web"
    assert not dev_plan.of_type("cloudflare:index/workersCustomDomain:WorkersCustomDomain")


def test_a_records_comment_has_room_for_the_longest_prefix(dev_plan: Plan) -> None:
    longest = BUCKET_NAME_LENGTH - LONGEST_BUCKET_SUFFIX
    labels = Labels(product="shop", stack="dev", environment=Environment.DEV, owner="x")
    declared = named(dev_plan, "site-record").inputs["comment"].removeprefix("automatonicai-dev")
    for comment in (declared, standby_comment(labels, "2027-01-31", LED_THERE).removeprefix("shop-dev")):
        assert len(comment) + longest <= 100
