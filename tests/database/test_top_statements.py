"""Statements as `db top` shows them: without a value in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database.top import without_values

SECRET = "Tremblay"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("SELECT a1,\n  $1 FROM t2 WHERE x = $12", "SELECT a1, $1 FROM t2 WHERE x = $12"),
        ("SELECT 'Tremblay', 4.5e3, 0x1F", "SELECT ?, ?, ?"),
        ("SELECT E'a\\'Tremblay' , 'it''s Tremblay'", "SELECT ? , ?"),
        ("SELECT 'ends in \\', secret FROM t", "SELECT ?, secret FROM t"),
        ("DO $body$ Tremblay $body$", "DO ?"),
        ("DO $$ Tremblay", "DO ?"),
        ("SELECT 1 -- for Tremblay\n, 2 /* Tremblay */", "SELECT ? , ?"),
        ('SELECT "Odd ""1"" name" FROM t', 'SELECT "Odd ""1"" name" FROM t'),
        ("SELECT 'cut Trembl", "SELECT ?"),
        ("SET x = U&'Tremblay'", "SET x = ?"),
    ],
)
def test_no_value_and_no_comment_is_shown(query: str, shown: str) -> None:
    assert without_values(query) == shown


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="'\\")))
def test_a_quoted_text_never_shows(before: str, after: str) -> None:
    clean = "".join(letter for letter in before if letter.isalpha() or letter == " ").replace(SECRET, "")
    assert SECRET not in without_values(f"{clean} '{after}{SECRET}'")
