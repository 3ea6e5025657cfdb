"""The roles that are declared: how they come in, what they may do, and who has a password."""

from typing import Any

import pytest

from components.host.postgres_database import EXTENSIONS, ROLES, SCHEMAS, WITH_PASSWORD
from plan.model import Plan, Secret
from tests.components.declared import named


@pytest.fixture
def roles(dev_plan: Plan) -> dict[str, dict[str, Any]]:
    declared = named(dev_plan, "database", "PostgresDatabase").inputs["roles"]
    return {role["name"]: role for role in declared}


def test_each_role_has_one_login_method(roles: dict[str, dict[str, Any]]) -> None:
    assert {name: role["wayIn"] for name, role in roles.items()} == {
        "owner": "none",
        "app": "password",
        "public_read": "password",
        "migrator": "password",
        "read_only": "password",
        "monitor": "password",
        "backup": "socket",
    }


def test_only_who_logs_in_with_a_password_has_one(dev_plan: Plan) -> None:
    outputs = named(dev_plan, "database", "PostgresDatabase").outputs["passwords"]
    assert (
        outputs.keys()
        == {role.name for role in WITH_PASSWORD}
        == {"app", "public_read", "migrator", "read_only", "monitor"}
    )
    assert all(isinstance(password, Secret) for password in outputs.values())


def test_only_the_owner_makes_things_and_the_migrator_acts_as_it(roles: dict[str, dict[str, Any]]) -> None:
    assert [name for name, role in roles.items() if role["creates"]] == ["owner"]
    assert roles["owner"]["creates"] == list(SCHEMAS)
    assert {name: role["actsAs"] for name, role in roles.items() if "actsAs" in role} == {"migrator": "owner"}


def test_monitor_and_backup_see_no_table(roles: dict[str, dict[str, Any]]) -> None:
    for name in ("monitor", "backup"):
        assert roles[name]["reads"] == roles[name]["writes"] == roles[name]["creates"] == []
    assert [name for name, role in roles.items() if role["isMonitor"]] == ["monitor"]
    assert [name for name, role in roles.items() if role["isBackup"]] == ["backup"]


def test_roles_act_as_roles_that_exist_and_use_schemas_that_exist() -> None:
    names = {role.name for role in ROLES}
    assert {role.acts_as for role in ROLES if role.acts_as} <= names
    assert {schema for role in ROLES for schema in (*role.reads, *role.writes, *role.creates)} <= SCHEMAS.keys()


def test_the_declared_version_is_the_serving_hosts(dev_plan: Plan) -> None:
    declared = named(dev_plan, "database", "PostgresDatabase").inputs
    assert declared["version"] == 17
    assert declared["extensions"] == list(EXTENSIONS)
