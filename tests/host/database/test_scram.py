"""Passwords are compared with what the server stores, without the server."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.database.roles import matches, verifier

# PostgreSQL's own verifier of RFC 7677's password and salt.
RFC_7677 = (
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
    "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
)


def test_a_known_verifier_matches_its_password() -> None:
    assert matches(RFC_7677, "pencil")
    assert not matches(RFC_7677, "Pencil")


@settings(max_examples=20)
@given(st.text(min_size=1), st.text(min_size=1))
def test_a_verifier_matches_its_own_password_alone(password: str, other: str) -> None:
    stored = verifier(password)
    assert matches(stored, password)
    assert matches(stored, other) == (password == other)


def test_two_verifiers_of_a_password_differ() -> None:
    assert verifier("pencil") != verifier("pencil")


@pytest.mark.parametrize("stored", [None, "", "md5abc", "pencil", "SCRAM-SHA-256$1:AAAA$AAAA:AAAA"])
def test_what_is_no_verifier_matches_nothing(stored: str | None) -> None:
    assert not matches(stored, "pencil")
