"""A running local stack for the tests of `./hybrid backup`, `restore` and `drill`."""

from collections.abc import Iterator

import pytest

from local import namespace
from tests.local.stack_under_test import StackUnderTest, copy_project


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    if namespace.faults():
        pytest.skip(f"no local stack here: {'; '.join(namespace.faults())}")
    made = StackUnderTest(copy_project(tmp_path_factory.mktemp("project")))
    try:
        made.up()
        yield made
    finally:
        made.run("down", "--remove")
    assert made.processes() == []
