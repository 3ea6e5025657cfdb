"""A database host for the API's tests that need a real one."""

from tests.host.conftest import applied_tree, bare_tree, host, root_tar, store

__all__ = ["applied_tree", "bare_tree", "host", "root_tar", "store"]
