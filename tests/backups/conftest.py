"""A running local stack for the tests of `./hybrid backup`, `restore` and `drill`."""

import pytest

from tests.local.stack_under_test import StackUnderTest


@pytest.fixture(scope="session")
def stack(shared_stack: StackUnderTest) -> StackUnderTest:
    return shared_stack
