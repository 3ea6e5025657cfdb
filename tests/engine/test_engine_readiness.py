"""The engine waits for the database before it makes a Hyperdrive configuration."""

from pathlib import Path

import pytest

from tests.components.network.trial_edge import ENDPOINT, trial_edge
from tests.components.network.trial_postgres import trial_postgres
from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_cloudflare as cloudflare
import pulumi_random as random
from components.network.database_readiness import Patience, readiness_hooks

provider = cloudflare.Provider("edge")
password = random.RandomPassword("password", length=40, opts=pulumi.ResourceOptions(provider=random.Provider("random")))
cloudflare.HyperdriveConfig(
    "hyperdrive",
    account_id="0" * 32,
    name="hyperdrive",
    origin={{
        "scheme": "postgres",
        "host": "{endpoint.hostname}",
        "database": "automatonicai",
        "user": "app",
        "password": password.result,
        "access_client_id": "{endpoint.client_id}",
        "access_client_secret": pulumi.Output.secret("{endpoint.client_secret}"),
    }},
    origin_connection_limit={limit},
    opts=pulumi.ResourceOptions(
        provider=provider,
        hooks=readiness_hooks(
            "readiness",
            # As the stack's: known only when something else is made.
            pulumi.Output.all({authorities!r}, password.result).apply(lambda values: values[0]),
            patience=Patience(seconds=2, pause_seconds=0.1),
            url="{url}",
        ),
    ),
)
"""


def write(engine: TrialEngine, url: str, authorities: str = "", limit: int = 5) -> None:
    text = PROGRAM.format(endpoint=ENDPOINT, url=url, authorities=authorities, limit=limit)
    (engine.project / "__main__.py").write_text(text)


def test_a_configuration_is_made_and_changed_only_when_the_database_lets_its_role_in(
    fresh: TrialEngine, tmp_path: Path
) -> None:
    engine = fresh.copy(tmp_path / "engine")
    with trial_postgres(tmp_path, ["the database system is starting up"]) as server, trial_edge(server.port) as edge:
        write(engine, edge.url, server.authorities_pem)
        engine.run("preview", "--stack=dev")
        assert edge.asked == 0
        said = engine.up("dev")
        assert (server.admitted, edge.refused) == (1, 0)
        assert "waiting for the database" in said + engine.log.read_text()
        write(engine, edge.url, server.authorities_pem, limit=6)
        engine.up("dev")
        assert server.admitted == 2
        engine.up("dev")
        assert server.admitted == 2


def test_a_database_that_is_not_reachable_stops_the_engine_with_what_to_look_at(
    fresh: TrialEngine, tmp_path: Path
) -> None:
    engine = fresh.copy(tmp_path / "engine")
    with trial_edge(status=530) as edge:
        write(engine, edge.url)
        refusal = engine.run("up", "--yes", "--skip-preview", "--stack=dev", is_refused=True)
    assert "the tunnel does not reach the database (HTTP 530" in refusal
    assert ("create", "hyperdrive") not in engine.acts("dev")
    assert not [secret for secret in [*engine.secrets("dev"), ENDPOINT.client_secret] if secret in refusal]
