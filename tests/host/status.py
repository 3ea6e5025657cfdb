"""What `db status` finds on a host under test."""

from database.access import Access
from database.findings import SEVERITY, Finding
from database.status import Status, status
from tests.host.running import HostUnderTest


def findings(host: HostUnderTest, *, is_pinned: bool = False, is_store_away: bool = False) -> dict[str, Finding]:
    """By name; of several with one name, the worst."""
    found = told(host, is_pinned=is_pinned)
    assert is_store_away or found.unseen == ()
    return {one.name: one for one in sorted(found.findings, key=lambda one: SEVERITY.index(one.level))}


def told(host: HostUnderTest, *, is_pinned: bool = False) -> Status:
    access = Access(
        stack="test",
        role="monitor",
        database="clinic",
        host="localhost",
        address="127.0.0.1",
        port=host.spec["postgres"]["port"],
        authorities=host.authorities,
        route="directly",
        password=next(role["password"] for role in host.spec["postgres"]["roles"] if role["name"] == "monitor"),
    )
    return status(access, is_pinned=is_pinned)
