"""Waiting for the database, through a real websocket server; PostgreSQL's part is played by what it would say."""

import dataclasses
from pathlib import Path

import pytest

from components.network import database_readiness
from components.network.database_readiness import (
    Login,
    Patience,
    ReadinessError,
    explained,
    login_of,
    wait_until_ready,
)
from tests.components.network.certificates import self_signed
from tests.components.network.trial_edge import ENDPOINT, trial_edge
from tests.components.network.trial_postgres import SSL_REQUEST, trial_postgres

LOGIN = Login(endpoint=ENDPOINT, database="automatonicai", user="app", password="its password", authorities_pem="")
BRIEF = Patience(seconds=50, pause_seconds=10)


class Clock:
    """Time that passes only while somebody waits, however long a log-in takes here."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_readiness, "time", Clock())


def gave_up(url: str, login: Login = LOGIN) -> tuple[str, list[str]]:
    """The final message, and what was said on the way."""
    said: list[str] = []
    with pytest.raises(ReadinessError) as caught:
        wait_until_ready(login, said.append, BRIEF, url=url)
    return str(caught.value), said


def test_it_goes_on_as_soon_as_the_role_is_let_in(tmp_path: Path) -> None:
    said: list[str] = []
    refusals = ["the database system is starting up"] * 2 + ['password authentication failed for user "app"']
    with trial_postgres(tmp_path, refusals) as server, trial_edge(server.port) as edge:
        login = dataclasses.replace(LOGIN, authorities_pem=server.authorities_pem)
        wait_until_ready(login, said.append, BRIEF, url=edge.url)
        assert (server.admitted, edge.carried) == (1, 4)
    place = "waiting for the database: postgres.example.com: role app, database automatonicai:"
    assert said == [
        f"{place} PostgreSQL is starting, stopping or recovering",
        f"{place} PostgreSQL refuses the password; check whether the host has converged since it was generated",
        "postgres.example.com: lets app in",
    ]


def test_a_tunnel_that_is_down_is_waited_for_and_then_named() -> None:
    with trial_edge(status=530) as edge:
        message, said = gave_up(edge.url)
    assert edge.asked == 5
    assert "the tunnel does not reach the database (HTTP 530" in message
    assert "`pulumi up` goes on from here once it is mended" in message
    # Said once, not at every attempt.
    assert len(said) == 1


def test_no_message_holds_a_secret() -> None:
    with trial_edge(status=403) as edge:
        message, said = gave_up(edge.url)
    for secret in (LOGIN.password, ENDPOINT.client_secret):
        assert secret not in message + "".join(said) + repr(LOGIN)


def test_nothing_is_sent_without_tls() -> None:
    with trial_postgres() as server, trial_edge(server.port) as edge:
        message, _ = gave_up(edge.url)
    assert "postgres.example.com: role app, database automatonicai: PostgreSQL does not offer TLS" in message
    assert set(server.requests) == {SSL_REQUEST}


@pytest.mark.parametrize(
    ("hostname", "signer", "expected"),
    [
        ("elsewhere.example.com", "elsewhere.example.com", "PostgreSQL's certificate is for another name; check"),
        (ENDPOINT.hostname, "stranger", "none of the stack's authorities signed PostgreSQL's certificate; check"),
    ],
)
def test_the_password_goes_to_the_stacks_own_server_only(
    hostname: str, signer: str, expected: str, tmp_path: Path
) -> None:
    with trial_postgres(tmp_path, hostname=hostname) as server, trial_edge(server.port) as edge:
        trusted = server.authorities_pem if signer == hostname else self_signed(signer, tmp_path).read_text()
        message, _ = gave_up(edge.url, dataclasses.replace(LOGIN, authorities_pem=trusted))
        assert server.admitted == 0
    assert expected in message


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('FATAL: password authentication failed for user "app"', "refuses the password; check whether the host has"),
        (
            'FATAL: no pg_hba.conf entry for host "1.2.3.4"',
            "no pg_hba.conf entry lets this role into this database; check pg_hba.conf",
        ),
        ('FATAL: role "app" does not exist', "has no such role or database"),
        ("FATAL: the database system is starting up", "is starting, stopping or recovering"),
        ("FATAL: too many connections for role", "no free connection for this role"),
        ("server closed the connection unexpectedly", "does not answer (server closed the connection unexpectedly)"),
    ],
)
def test_a_refusal_of_postgresql_says_what_to_check(message: str, expected: str) -> None:
    assert expected in explained(f'connection to server at "127.0.0.1", port 1 failed: {message}')


def test_the_login_is_the_configurations_own() -> None:
    origin = {
        "scheme": "postgres",
        "host": ENDPOINT.hostname,
        "database": "automatonicai",
        "user": "app",
        "password": LOGIN.password,
        "accessClientId": ENDPOINT.client_id,
        "accessClientSecret": ENDPOINT.client_secret,
    }
    assert login_of(origin, "PEM") == dataclasses.replace(LOGIN, authorities_pem="PEM")
