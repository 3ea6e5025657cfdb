"""A real host: clients that come through the pooler."""

import psycopg
import pytest

from tests.host.running import HostUnderTest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("role", ["app", "public_read"])
@pytest.mark.parametrize("sslmode", ["verify-full", "disable"])
def test_the_pooler_serves_its_roles(host: HostUnderTest, role: str, sslmode: str) -> None:
    used = "SELECT current_user || ' ' || coalesce(host(inet_client_addr()), 'socket')"
    assert host.one(role, used, through_pooler=True, sslmode=sslmode) == f"{role} socket"


def test_the_pooler_refuses_a_wrong_password_and_other_roles(host: HostUnderTest) -> None:
    for role, changes in (("app", {"password": "wrong-password"}), ("migrator", {})):
        with pytest.raises(psycopg.OperationalError, match="SASL authentication failed"):
            host.connect(role, through_pooler=True, **changes)


def test_prepared_statements_of_two_clients_do_not_meet_in_the_pooler(host: HostUnderTest) -> None:
    one = host.connect("app", through_pooler=True, prepare_threshold=0)
    other = host.connect("app", through_pooler=True, prepare_threshold=0)
    with one, other:
        for n in range(3):
            assert one.execute("SELECT %s::int", (n,)).fetchone() == (n,)
            assert other.execute("SELECT %s::int * 2", (n,)).fetchone() == (2 * n,)


def test_what_one_client_sets_the_next_does_not_have(host: HostUnderTest) -> None:
    kept = "SELECT current_setting('default_transaction_read_only'), current_setting('app.subject', true)"
    with host.connect("app", through_pooler=True) as one:
        one.execute("SET default_transaction_read_only = on")
        one.execute("SET app.subject = 'someone'")
    for _ in range(3):
        with host.connect("app", through_pooler=True) as other:
            # PostgreSQL keeps the name of a setting that nothing declares, without its value.
            assert other.execute(kept).fetchone() in [("off", None), ("off", "")]
