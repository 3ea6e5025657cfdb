"""Generated passwords: the same in every run, and never lost by accident."""

import string

import pytest

from local.common.errors import LocalError
from local.common.state import State
from local.processes.generated_secrets import GeneratedSecrets


def test_a_name_keeps_its_value(state: State) -> None:
    value = GeneratedSecrets(state).password("app", 40)
    assert GeneratedSecrets(state).password("app", 40) == value


def test_names_have_values_of_their_own(state: State) -> None:
    generated = GeneratedSecrets(state)
    assert generated.password("app", 40) != generated.password("monitor", 40)


def test_the_length_and_the_characters_are_as_declared(state: State) -> None:
    value = GeneratedSecrets(state).password("app", 400, special="-")
    assert len(value) == 400
    assert set(value) <= set(string.ascii_letters + string.digits + "-")


def test_another_declaration_makes_another_value(state: State) -> None:
    generated = GeneratedSecrets(state)
    first = generated.password("app", 40)
    assert len(generated.password("app", 41)) == 41
    assert generated.password("app", 40) != first


def test_the_file_is_for_the_user_only(state: State) -> None:
    GeneratedSecrets(state).password("app", 40)
    assert state.secrets_file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["{half", "[]", '{"app": 3}'])
def test_a_corrupt_file_is_an_error_and_stays(state: State, text: str) -> None:
    state.secrets_file.write_text(text)
    with pytest.raises(LocalError, match=r"secrets\.json.*make clean"):
        GeneratedSecrets(state)
    assert state.secrets_file.read_text() == text


def test_a_lost_file_is_not_recreated_where_backups_know_what_was_in_it(state: State) -> None:
    key = state.store / "backups" / "keys" / "1.json"
    key.parent.mkdir(parents=True)
    key.write_text("{}")
    with pytest.raises(LocalError, match=r"secrets\.json: is missing, and the database and its backups know"):
        GeneratedSecrets(state)
