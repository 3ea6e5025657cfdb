"""What of a machine is PostgreSQL's."""

import pytest

from components.common.labels import Environment
from components.settings.lightsail_bundles import BUNDLES, fault, memory_mb, postgres_memory_mb
from host.specification.model import Postgres


@pytest.mark.parametrize("environment", list(Environment))
def test_what_is_left_for_postgresql_is_enough_to_be_tuned_for(environment: Environment) -> None:
    allowed = [bundle for bundle in BUNDLES if not fault(bundle, environment)]
    (least,) = [limit.ge for limit in Postgres.model_fields["memory_mb"].metadata if hasattr(limit, "ge")]
    assert allowed
    assert all(least <= postgres_memory_mb(bundle) < memory_mb(bundle) for bundle in allowed)
