"""Whether a version's migrations are still there, and who answers afterwards."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.commands import ran
from workers.cloudflare_api import Version, WorkerError
from workers.rollback import Rollback, migrations, migrations_at, planned

MIGRATIONS = {"a": frozenset({"0001"}), "b": frozenset({"0001", "0002_branch"})}


def version(number: int, build: str, percent: float = 0) -> Version:
    return Version(id=f"v{number}", number=number, created=datetime.now(UTC), build=build, percent=percent)


def plan(*versions: Version, to: str, percent: int = 100) -> Rollback:
    newest_first = sorted(versions, key=lambda one: -one.number)
    return planned("api", newest_first, to, percent, MIGRATIONS.get, frozenset({"0001", "0003"}))


def test_a_version_whose_migrations_are_gone_is_refused() -> None:
    made = plan(version(1, "b"), version(2, "a", 100), to="v1")
    assert made.refusals == ["it depends on migrations that this checkout lacks: 0002_branch"]


def test_migrations_that_came_later_are_told() -> None:
    made = plan(version(1, "a"), version(2, "a", 100), to="v1")
    assert (made.refusals, made.doubts, made.newer) == ([], [], ["0003"])


def test_a_third_version_gets_no_share() -> None:
    made = plan(version(1, "a"), version(2, "a", 50), version(3, "a", 50), to="v1", percent=20)
    assert made.refusals == [
        "2 other versions answer, and traffic can be split between two versions only; allowed: --percent 100"
    ]
    assert plan(version(1, "a"), version(2, "a", 50), version(3, "a", 50), to="v1").shares == [("v1", 100)]


def test_the_settings_name_the_one_that_is_not_declared() -> None:
    versions = version(1, "a"), version(2, "a", 100), version(3, "a")
    assert plan(*versions, to="v1").earlier == ("v1", 100)
    assert plan(*versions, to="v3").earlier == ("", 100)
    assert plan(*versions, to="v3", percent=10).earlier == ("v2", 90)
    assert plan(*versions, to="v1", percent=10).refusals == [
        "one of the two must be the newest version; allowed: --percent 100"
    ]


def test_one_that_is_not_there_is_refused() -> None:
    with pytest.raises(WorkerError, match="v9 is none of its versions"):
        plan(version(1, "a"), to="v9")


def test_the_migrations_of_a_build_are_those_of_its_commit(tmp_path: Path) -> None:
    folder = tmp_path / "apps/worker/migrations"
    folder.mkdir(parents=True)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(tmp_path)]
    ran([*git, "init", "--quiet"], check=True)
    for name in ("0001_one", "0002_two"):
        (folder / f"{name}.sql").touch()
        (folder / f"{name}.rollback.sql").touch()
        ran([*git, "add", "."], check=True)
        ran([*git, "commit", "--quiet", "-m", name], check=True)
    first = ran([*git, "rev-parse", "HEAD~"], check=True).stdout.strip()
    assert migrations_at(tmp_path, first) == frozenset({"0001_one"})
    assert migrations(tmp_path) == {"0001_one", "0002_two"}
    assert [migrations_at(tmp_path, build) for build in ("unreleased", "0" * 40, "--help")] == [None] * 3
