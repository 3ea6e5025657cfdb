"""Fixtures that several kinds of test share."""

import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from plan import child_process, codec
from plan.model import Plan
from plan.record import record
from policies.exemptions.exemption import DAY
from tests.changed_stack import record_with
from tests.run.soak import IS_SOAK, trials

if TYPE_CHECKING:
    from tests.local.stack_under_test import StackUnderTest

# What ends on a day, such as the token of a rollback in the stacks' files, has not ended in the tests.
os.environ.setdefault(DAY, "2026-12-01")
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
child_process.import_quickly()


@pytest.fixture(scope="session")
def dev_plan() -> Plan:
    """The dev stack as recorded; recording takes seconds, so once."""
    return record("dev")


@pytest.fixture(scope="session")
def prod_plan() -> Plan:
    return record("prod")


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the whole run, whichever of its workers this is."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def direct_plan(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The dev stack without a tunnel; recorded by the first of the run's workers that needs it."""
    with (run_folder / "direct.json").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if text := file.read():
            return codec.loads(text, file.name)
        plan = record_with(tmp_path_factory.mktemp("direct"), databaseRoute="direct", hyperdriveFallback=False)
        file.write(codec.dumps(plan, reveal_secrets=True, indent=None))
        return plan


@pytest.fixture(scope="session")
def snapshot(run_folder: Path) -> Iterator[Path]:
    """State folder of a local stack as its first `up` leaves it, stopped; copied by whoever needs one of its own."""
    # Few tests need this import.
    from tests.local import snapshot, stack_under_test

    stack_under_test.skip_without_stack()
    with snapshot.made(run_folder / "snapshot"):
        yield run_folder / "snapshot"


@pytest.fixture(scope="session")
def shared_stack(snapshot: Path, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[StackUnderTest]":
    """A running local stack for all of a folder's tests that leave it as they found it."""
    from tests.local.snapshot import running_stack

    with running_stack(snapshot, tmp_path_factory.mktemp("stack") / "state") as made:
        yield made


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., Path]:
    """Makes a project of its own: `program(source, config=…, stack_config=…)` returns its folder."""

    def make(source: str, config: str = "", stack_config: str = "{}") -> Path:
        (tmp_path / "Pulumi.yaml").write_text(f"name: trial\nruntime: python\n{config}")
        (tmp_path / "Pulumi.dev.yaml").write_text(f"config: {stack_config}\n")
        (tmp_path / "__main__.py").write_text(source)
        return tmp_path

    return make
