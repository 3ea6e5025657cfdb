"""What Hyperdrive's configurations wait for, against a real PostgreSQL behind a real websocket."""

import dataclasses
from typing import Any

import pytest

from components.network.database_readiness import Login, Patience, ReadinessError, wait_until_ready
from tests.components.network.trial_edge import ENDPOINT, trial_edge
from tests.host.authority import authority
from tests.host.running import HostUnderTest

BRIEF = Patience(seconds=0.3, pause_seconds=0.1)


def login(host: HostUnderTest, user: str) -> Login:
    (password,) = [role["password"] for role in host.spec["postgres"]["roles"] if role["name"] == user]
    return Login(
        # A name in the host's certificate.
        endpoint=dataclasses.replace(ENDPOINT, hostname="localhost"),
        database=host.spec["postgres"]["database"],
        user=user,
        password=password or "none",
        authorities_pem=host.spec["tls"]["authorities"],
    )


@pytest.mark.parametrize("user", ["app", "public_read"])
def test_each_of_hyperdrives_roles_is_let_in(user: str, host: HostUnderTest) -> None:
    said: list[str] = []
    with trial_edge(host.spec["postgres"]["port"]) as edge:
        wait_until_ready(login(host, user), said.append, BRIEF, url=edge.url)
    assert said == [f"localhost: lets {user} in"]


@pytest.mark.parametrize(
    ("user", "changes", "message"),
    [
        ("app", {"password": "wrong"}, "refuses the password; check whether the host has converged"),
        ("app", {"database": "nowhere"}, "no pg_hba.conf entry lets this role into this database"),
        ("app", {"user": "nobody"}, "no pg_hba.conf entry lets this role into this database"),
        ("owner", {}, "no pg_hba.conf entry lets this role into this database; check pg_hba.conf on the host"),
        ("backup", {}, "no pg_hba.conf entry"),
        ("app", {"endpoint": ENDPOINT}, "certificate is for another name"),
        ("app", {"authorities_pem": authority("stranger").pem}, "none of the stack's authorities signed"),
    ],
)
def test_who_is_not_let_in_is_told_why(user: str, changes: dict[str, Any], message: str, host: HostUnderTest) -> None:
    wrong = dataclasses.replace(login(host, user), **changes)
    with (
        trial_edge(host.spec["postgres"]["port"]) as edge,
        pytest.raises(ReadinessError, match=message) as caught,
    ):
        wait_until_ready(wrong, lambda _: None, BRIEF, url=edge.url)
    assert wrong.password not in str(caught.value)
