"""Statements follow from the difference between what a database holds and what is declared."""

from dataclasses import replace
from typing import Any

import pytest

from host.database import monitoring
from host.database.changes import OF_THE_HOST, SEARCH_PATH, changes
from host.database.privileges import wanted, wanted_defaults
from host.database.roles import groups, settings, verifier
from host.database.state import DefaultPrivilege, Privilege, RoleState, State
from host.specification.model import Postgres
from host.specification.reading import parse
from tests.host.specs import role, spec


def declared(**postgres_changes: Any) -> Postgres:
    return parse(spec(**postgres_changes)).postgres


def state(postgres: Postgres, **state_changes: Any) -> State:
    """A database that holds all that is declared."""
    comments = {schema.name: f"data class: {schema.data_class}" for schema in postgres.schemas}
    held: dict[str, Any] = {
        "extensions": dict.fromkeys(postgres.extensions, True),
        "has_unlicensed_jobs": False,
        "schemas": comments | {schema.name: "data class: none" for schema in OF_THE_HOST},
        "owners": {schema: role.name for role in postgres.roles for schema in role.creates},
        "roles": {
            role.name: RoleState(
                verifier=verifier(role.password) if role.password else None,
                connection_limit=role.connection_limit,
                is_plain=True,
                groups=groups(role),
                settings=frozenset(f"{name}={value}" for name, value in settings(role, is_pooled=False).items()),
            )
            for role in postgres.roles
        },
        "relations": frozenset({("table", "regulated"), ("table", "public"), ("sequence", "public")}),
        "complete": wanted(postgres),
        "granted": wanted(postgres),
        "default_privileges": wanted_defaults(postgres),
        "settings": frozenset({f"search_path={SEARCH_PATH}"}),
        "monitoring": monitoring.MARK,
        "marker_job": "30 seconds|SELECT monitoring.mark()|monitor|clinic|t",
        "is_in_recovery": False,
        "is_fenced": False,
        "is_loaded": True,
    }
    return State(**(held | state_changes))


def statements(postgres: Postgres, held: State, pooled: dict[str, str] | None = None) -> list[str]:
    return [statement for change in changes(postgres, held, pooled or {}) for statement in change.statements]


EMPTY: dict[str, Any] = {
    "extensions": {},
    "schemas": {"public": "standard public schema"},
    "owners": {"public": "pg_database_owner"},
    "monitoring": None,
    "marker_job": None,
    "roles": {},
    "relations": frozenset(),
    "complete": frozenset(),
    "granted": frozenset({Privilege("schema", "public", "PUBLIC", "USAGE")}),
    "default_privileges": frozenset(),
    "settings": frozenset(),
}


def test_a_pooled_role_gets_the_poolers_own_verifier() -> None:
    postgres = declared()
    other = verifier("app-Pass'word\"1")
    made = statements(postgres, state(postgres), {"app": other})
    assert made[0] == f"ALTER ROLE \"app\" PASSWORD '{other}';"


def with_role(postgres: Postgres, name: str, **changes: Any) -> State:
    roles = state(postgres).roles
    return state(postgres, roles=roles | {name: replace(roles[name], **changes)})


@pytest.mark.parametrize("held", [frozenset(), frozenset({"statement_timeout=1h"})])
def test_a_pooled_role_gets_a_time_limit_for_a_statement(held: frozenset[str]) -> None:
    postgres = declared()
    before = with_role(postgres, "app", settings=held)
    pooled = {"app": str(before.roles["app"].verifier)}
    assert statements(postgres, before, pooled) == ['ALTER ROLE "app" SET "statement_timeout" = \'10s\';']


def test_settings_that_are_there_are_left_alone_and_others_taken_back() -> None:
    postgres = declared()
    before = with_role(postgres, "app", settings=frozenset({"statement_timeout=10s"}))
    assert statements(postgres, before, {"app": str(before.roles["app"].verifier)}) == []
    assert statements(postgres, before, {}) == ['ALTER ROLE "app" RESET "statement_timeout";']
    assert statements(postgres, with_role(postgres, "app", settings=frozenset({"role=owner"}))) == [
        'ALTER ROLE "app" RESET "role";'
    ]


def test_a_role_that_acts_as_another_becomes_it_on_login() -> None:
    postgres = declared()
    made = statements(postgres, with_role(postgres, "migrator", settings=frozenset(), groups=frozenset()))
    assert made == ['ALTER ROLE "migrator" SET "role" = \'owner\';', 'GRANT "owner" TO "migrator";']


def test_a_role_that_acts_as_another_is_made_after_it() -> None:
    roles = [role("migrator", acts_as="owner"), role("owner", way_in="none", creates=["public"])]
    value = spec(roles=roles)
    value["pooler"]["roles"] = []
    postgres = parse(value).postgres
    made = statements(postgres, state(postgres, **EMPTY))
    assert made.index('CREATE ROLE "owner";') < made.index('CREATE ROLE "migrator";')


def test_what_a_role_made_before_it_acted_as_another_is_handed_over() -> None:
    postgres = declared()
    assert statements(postgres, with_role(postgres, "migrator", owns=True)) == [
        'REASSIGN OWNED BY "migrator" TO "owner";',
        "UPDATE cron.job SET username = 'owner' WHERE username = 'migrator';",
    ]


def test_a_role_without_a_password_loses_the_one_it_had() -> None:
    postgres = declared()
    made = statements(postgres, with_role(postgres, "owner", verifier=verifier("left-over")))
    assert made == ['ALTER ROLE "owner" PASSWORD NULL;']


def test_a_schema_of_another_owner_is_handed_over() -> None:
    postgres = declared()
    made = statements(postgres, state(postgres, owners={"regulated": "owner", "public": "pg_database_owner"}))
    assert made == ['ALTER SCHEMA "public" OWNER TO "owner";']


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
    assert not [role.name for role in postgres.roles if role.password and role.password in made]


def test_a_changed_password_changes_nothing_else() -> None:
    postgres = declared()
    (statement,) = statements(postgres, with_role(postgres, "app", verifier=verifier("another")))
    assert statement.startswith('ALTER ROLE "app" PASSWORD \'SCRAM-SHA-256$')


def test_a_role_that_was_raised_is_lowered() -> None:
    postgres = declared()
    made = statements(postgres, with_role(postgres, "app", is_plain=False, groups=frozenset({"pg_read_all_data"})))
    assert "NOSUPERUSER" in made[0]
    assert made[1:] == ['REVOKE "pg_read_all_data" FROM "app";']


def test_a_grant_that_nobody_declared_is_revoked() -> None:
    postgres = declared()
    stray = Privilege("table", "regulated", "public_read", "SELECT")
    made = statements(postgres, state(postgres, granted=wanted(postgres) | {stray}))
    assert made == ['REVOKE SELECT ON ALL TABLES IN SCHEMA "regulated" FROM "public_read";']


def test_functions_that_are_made_again_are_granted_again() -> None:
    postgres = declared()
    made = statements(postgres, state(postgres, monitoring="hybrid of before"))
    grants = [f'GRANT EXECUTE ON FUNCTION monitoring.{name} TO "monitor";' for name in sorted(monitoring.FUNCTIONS)]
    assert [statement for statement in made if statement.startswith("GRANT")] == grants


def test_a_default_grant_that_nobody_declared_is_revoked() -> None:
    postgres = declared()
    stray = DefaultPrivilege("table", "regulated", "public_read", "SELECT", "owner")
    made = statements(postgres, state(postgres, default_privileges=wanted_defaults(postgres) | {stray}))
    assert made == [
        'ALTER DEFAULT PRIVILEGES FOR ROLE "owner" IN SCHEMA "regulated" REVOKE SELECT ON TABLES FROM "public_read";'
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


def test_the_backup_role_gets_its_four_functions_and_no_table() -> None:
    postgres = declared()
    held = sorted((one.kind, one.place) for one in wanted(postgres) if one.role == "backup")
    assert held == [
        ("database", "clinic"),
        ("function", "pg_catalog.pg_backup_start"),
        ("function", "pg_catalog.pg_backup_stop"),
        ("function", "pg_catalog.pg_create_restore_point"),
        ("function", "pg_catalog.pg_switch_wal"),
    ]


@pytest.mark.parametrize("held", [None, "30 seconds|SELECT monitoring.mark()|app|clinic|t"])
def test_markers_are_written_by_one_job_of_the_monitor(held: str | None) -> None:
    postgres = declared()
    assert statements(postgres, state(postgres, marker_job=held)) == [
        "DELETE FROM cron.job WHERE jobname = 'hybrid-marker';",
        "SELECT cron.schedule_in_database"
        "('hybrid-marker', '30 seconds', 'SELECT monitoring.mark()', 'clinic', 'monitor');",
    ]


def test_no_markers_are_written_where_nobody_could() -> None:
    for postgres in (declared(extensions=["postgis"]), declared(roles=[role("app"), role("public_read")])):
        assert monitoring.marker_job(postgres, None) == ()


def test_a_function_that_others_may_call_is_taken_back() -> None:
    postgres = declared()
    stray = Privilege("function", "monitoring.disk", "PUBLIC", "EXECUTE")
    made = statements(postgres, state(postgres, granted=wanted(postgres) | {stray}))
    assert made == ["REVOKE EXECUTE ON FUNCTION monitoring.disk FROM PUBLIC;"]


def test_rules_that_the_server_has_not_read_are_read_again() -> None:
    postgres = declared()
    assert statements(postgres, state(postgres, is_loaded=False)) == ["SELECT pg_reload_conf();"]
