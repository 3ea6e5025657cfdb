"""Fixtures that several kinds of test share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from plan import quick_import
from plan.model import Plan
from plan.record import record
from tests.changed_stack import record_with
from tests.run.soak import IS_SOAK, trials

pytest_plugins = ["tests.run.plugin"]

# The same examples in each `make test`, others in each soak. No example has a time limit: a busy machine breaks it.
settings.register_profile(
    "hybrid",
    max_examples=trials(100, 2000),
    derandomize=not IS_SOAK,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("hybrid")
# As the recorder does; whole, the providers' libraries take each worker three seconds.
quick_import.install()


@pytest.fixture(scope="session")
def dev_plan() -> Plan:
    """The dev stack as recorded; recording takes seconds, so once."""
    return record("dev")


@pytest.fixture(scope="session")
def prod_plan() -> Plan:
    return record("prod")


@pytest.fixture(scope="session")
def direct_plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The dev stack without a tunnel."""
    return record_with(tmp_path_factory.mktemp("direct"), databaseWay="direct")


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Makes a project of its own: `program(source, config=…, stack_config=…)` returns its folder."""

    def make(source: str, config: str = "", stack_config: str = "{}") -> Path:
        (tmp_path / "Pulumi.yaml").write_text(f"name: trial\nruntime: python\n{config}")
        (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {stack_config}\n")
        (tmp_path / "__main__.py").write_text(source)
        return tmp_path

    return make
