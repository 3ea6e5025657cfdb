"""A running local stack for the tests of `./hybrid backup`, `restore` and `drill`."""

from collections.abc import Iterator

import pytest

from tests.local.stack_under_test import StackUnderTest, running_stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackUnderTest]:
    with running_stack(tmp_path_factory.mktemp("project")) as made:
        yield made
