"""Statements follow from the difference between what a database holds and what is declared."""

from dataclasses import replace
from typing import Any

import pytest

from host.changes import SEARCH_PATH, changes
from host.facts.database_state import DefaultPrivilege, Privilege, RoleState, State
from host.privileges import EXTENSIONS, wanted, wanted_defaults
from host.scram import verifier
from host.spec import Postgres, parse
from tests.host.specs import spec


def declared(**postgres_changes: Any) -> Postgres:
    return parse(spec(**postgres_changes)).postgres


def state(postgres: Postgres, **state_changes: Any) -> State:
    """A database that holds all that is declared."""
    comments = {schema.name: f"data class: {schema.data_class}" for schema in postgres.schemas}
    held: dict[str, Any] = {
        "extensions": dict.fromkeys(postgres.extensions, True),
        "schemas": comments | {EXTENSIONS: "data class: none"},
        "roles": {
            role.name: RoleState(
                verifier=verifier(role.password),
                connection_limit=role.connection_limit,
                is_plain=True,
                groups=frozenset({"pg_monitor"} if role.is_monitor else ()),
            )
            for role in postgres.roles
        },
        "relations": frozenset({("table", "regulated"), ("table", "public"), ("sequence", "public")}),
        "complete": wanted(postgres),
        "granted": wanted(postgres),
        "default_privileges": wanted_defaults(postgres),
        "settings": frozenset({f"search_path={SEARCH_PATH}"}),
        "is_loaded": True,
    }
    return State(**(held | state_changes))


def statements(postgres: Postgres, held: State, pooled: dict[str, str] | None = None) -> list[str]:
    return [statement for change in changes(postgres, held, pooled or {}) for statement in change.statements]


EMPTY: dict[str, Any] = {
    "extensions": {},
    "schemas": {"public": "standard public schema"},
    "roles": {},
    "relations": frozenset(),
    "complete": frozenset(),
    "granted": frozenset({Privilege("schema", "public", "PUBLIC", "USAGE")}),
    "default_privileges": frozenset(),
    "settings": frozenset(),
}


def test_a_pooled_role_gets_the_poolers_own_verifier() -> None:
    postgres = declared()
    name = postgres.roles[0].name
    other = verifier(postgres.roles[0].password)
    made = statements(postgres, state(postgres), {name: other})
    assert made[0] == f"ALTER ROLE \"{name}\" PASSWORD '{other}';"


def with_timeout(postgres: Postgres, name: str, timeout: str | None) -> State:
    roles = state(postgres).roles
    return state(postgres, roles=roles | {name: replace(roles[name], statement_timeout=timeout)})


@pytest.mark.parametrize("held", [None, "1h"])
def test_a_pooled_role_gets_a_time_limit_for_a_statement(held: str | None) -> None:
    postgres = declared()
    before = with_timeout(postgres, "app", held)
    pooled = {"app": str(before.roles["app"].verifier)}
    assert statements(postgres, before, pooled) == ["ALTER ROLE \"app\" SET statement_timeout = '10s';"]
    assert statements(postgres, with_timeout(postgres, "app", "10s"), {}) == [
        'ALTER ROLE "app" RESET statement_timeout;'
    ]


def test_a_time_limit_that_is_there_is_left_alone() -> None:
    postgres = declared()
    before = with_timeout(postgres, "app", "10s")
    assert statements(postgres, before, {"app": str(before.roles["app"].verifier)}) == []


def test_a_role_that_migrates_has_no_time_limit() -> None:
    postgres = declared()
    made = statements(postgres, with_timeout(postgres, "migrator", "10s"))
    assert made == ['ALTER ROLE "migrator" RESET statement_timeout;']


def test_a_database_that_holds_all_is_left_alone() -> None:
    postgres = declared()
    assert statements(postgres, state(postgres)) == []


def test_an_empty_database_gets_everything() -> None:
    postgres = declared()
    made = statements(postgres, state(postgres, **EMPTY))
    assert 'CREATE SCHEMA "regulated";' in made
    assert "CREATE EXTENSION postgis SCHEMA extensions;" in made
    assert "CREATE EXTENSION pg_cron;" in made
    assert 'CREATE ROLE "app";' in made
    assert 'REVOKE USAGE ON SCHEMA "public" FROM PUBLIC;' in made
    assert 'CREATE SCHEMA "public";' not in made


def test_no_statement_holds_a_password() -> None:
    postgres = declared()
    made = "\n".join(statements(postgres, state(postgres, **EMPTY)))
    assert all(role.password not in made for role in postgres.roles)


def test_a_changed_password_changes_nothing_else() -> None:
    after = declared()
    app = after.roles[0]
    before = state(after).roles | {app.name: RoleState(verifier("another"), 10, is_plain=True, groups=frozenset())}
    (statement,) = statements(after, state(after, roles=before))
    assert statement.startswith('ALTER ROLE "app" PASSWORD \'SCRAM-SHA-256$')


def test_a_role_that_was_raised_is_lowered() -> None:
    postgres = declared()
    raised = RoleState(verifier(postgres.roles[0].password), 10, is_plain=False, groups=frozenset({"pg_read_all_data"}))
    made = statements(postgres, state(postgres, roles=state(postgres).roles | {"app": raised}))
    assert "NOSUPERUSER" in made[0]
    assert made[1:] == ['REVOKE "pg_read_all_data" FROM "app";']


def test_a_grant_that_nobody_declared_is_revoked() -> None:
    postgres = declared()
    stray = Privilege("table", "regulated", "public_read", "SELECT")
    made = statements(postgres, state(postgres, granted=wanted(postgres) | {stray}))
    assert made == ['REVOKE SELECT ON ALL TABLES IN SCHEMA "regulated" FROM "public_read";']


def test_a_default_grant_that_nobody_declared_is_revoked() -> None:
    postgres = declared()
    stray = DefaultPrivilege("table", "regulated", "public_read", "SELECT", "migrator")
    made = statements(postgres, state(postgres, default_privileges=wanted_defaults(postgres) | {stray}))
    assert made == [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "migrator" IN SCHEMA "regulated" REVOKE SELECT ON TABLES FROM "public_read";'
    ]


def test_a_table_without_its_grants_gets_them() -> None:
    postgres = declared()
    lost = Privilege("table", "public", "public_read", "SELECT")
    made = statements(postgres, state(postgres, complete=wanted(postgres) - {lost}))
    assert made == ['GRANT SELECT ON ALL TABLES IN SCHEMA "public" TO "public_read";']


def test_public_read_is_never_given_anything_in_a_regulated_schema() -> None:
    postgres = declared()
    given = [*wanted(postgres), *wanted_defaults(postgres)]
    assert not [one for one in given if one.role == "public_read" and one.place == "regulated"]


def test_packages_that_were_upgraded_bring_the_extension_with_them() -> None:
    postgres = declared()
    made = statements(postgres, state(postgres, extensions=state(postgres).extensions | {"postgis": False}))
    assert made == ["ALTER EXTENSION postgis UPDATE;"]


def test_rules_that_the_server_has_not_read_are_read_again() -> None:
    postgres = declared()
    assert statements(postgres, state(postgres, is_loaded=False)) == ["SELECT pg_reload_conf();"]
