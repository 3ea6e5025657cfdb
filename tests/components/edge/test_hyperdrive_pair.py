"""Hyperdrive's two configurations, read back from the recorded plan."""

from plan.model import Plan, Secret
from tests.components.declared import named


def test_hyperdrive_goes_through_the_tunnel_with_a_role_each(dev_plan: Plan) -> None:
    regulated = named(dev_plan, "hyperdrive-regulated").inputs
    public = named(dev_plan, "hyperdrive-public").inputs
    assert regulated["caching"] == {"disabled": True}
    assert public["caching"] == {"disabled": False, "maxAge": 60, "staleWhileRevalidate": 15}
    assert (regulated["origin"]["user"], public["origin"]["user"]) == ("app", "public_read")
    for configuration in (regulated, public):
        assert "port" not in configuration["origin"]
        assert configuration["origin"]["host"] == "postgres-dev.automatonicai.com"
        assert isinstance(configuration["origin"]["password"], Secret)
        assert isinstance(configuration["origin"]["accessClientSecret"], Secret)


def test_a_role_behind_hyperdrive_may_open_what_hyperdrive_opens(dev_plan: Plan) -> None:
    limits = {
        role["name"]: role["connectionLimit"]
        for role in named(dev_plan, "database", "PostgresDatabase").inputs["roles"]
    }
    opened = named(dev_plan, "hyperdrive-regulated").inputs["originConnectionLimit"]
    others = dict.fromkeys(("owner", "migrator", "read_only", "monitor", "backup"), 10)
    assert limits == {"app": 2 * opened, "public_read": 2 * opened, **others}
