"""A real host whose backup repository was overwritten or deleted: one is made again, and never over a good one."""

import json
import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.host.running import HostUnderTest
from tests.host.store import ObjectStore

pytestmark = pytest.mark.slow

# The stage by itself has systemd's timers, too.
STAGE = """
import sys
from host import apply
from host.backup import repository
apply.STAGES["backups"] = repository.first
sys.exit(apply.main())
"""
Damage = Callable[["Bucket"], None]


class Bucket:
    """What is in the store, as somebody with its key finds it."""

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._name = name
        self._client = store.client()

    def keys(self, pattern: str = "") -> list[str]:
        listed = self._client.list_objects_v2(Bucket=self._name).get("Contents", [])
        return [found["Key"] for found in listed if re.search(pattern, found["Key"])]

    def overwrite(self, keys: list[str]) -> None:
        for key in keys:
            self._client.put_object(Bucket=self._name, Key=key, Body=b"pay us " * 50)

    def delete(self, keys: list[str]) -> None:
        for key in keys:
            self._client.delete_object(Bucket=self._name, Key=key)


@pytest.fixture
def bucket(host: HostUnderTest, store: ObjectStore) -> Bucket:
    return Bucket(store, host.spec["backup"]["bucket"])


def first(host: HostUnderTest, **changes: Any) -> dict[str, Any]:
    """The report of a convergence that comes to the backups."""
    path = host.root.with_name("host.json")
    path.write_text(json.dumps(host.spec | {"backup": host.spec["backup"] | changes}))
    options = [str(path), "--root", str(host.root), "--stage", "backups"]
    answer = host.inside([sys.executable, "-c", STAGE, *options])
    assert answer.stdout, answer.stderr
    report: dict[str, Any] = json.loads(answer.stdout)
    return report


def backups(host: HostUnderTest) -> list[dict[str, Any]]:
    (stanza,) = json.loads(host.pgbackrest("--output=json", "info"))
    found: list[dict[str, Any]] = stanza["backup"]
    return found


def all_but_a_log_file(bucket: Bucket) -> None:
    """Deletes all but a log file, which lands in a new bucket before the repository does."""
    (kept, *_) = bucket.keys(r"/17-1/.*\.zst$")
    bucket.delete([key for key in bucket.keys("") if key != kept])


LOSSES: dict[str, Damage] = {
    "all is overwritten": lambda bucket: bucket.overwrite(bucket.keys()),
    "the archive's description is overwritten": lambda bucket: bucket.overwrite(bucket.keys(r"archive\.info")),
    "descriptions are deleted": lambda bucket: bucket.delete(bucket.keys(r"(archive|backup)\.info")),
    "one log file is left": all_but_a_log_file,
    "nothing is left": lambda bucket: bucket.delete(bucket.keys()),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_lost_repository_is_made_again_with_a_first_backup(loss: str, host: HostUnderTest, bucket: Bucket) -> None:
    first(host)
    assert backups(host)
    LOSSES[loss](bucket)
    report = first(host)
    assert (report["changed"], report["failed"]) == (["backup repository", "first backup"], [])
    (backup,) = backups(host)
    assert (backup["type"], backup["error"]) == ("full", False)
    host.pgbackrest("check")
    assert first(host)["changed"] == []


def test_one_that_was_killed_as_it_was_made_is_made(host: HostUnderTest, bucket: Bucket) -> None:
    host.pgbackrest("stop", "--force")
    bucket.delete(bucket.keys())
    assert first(host)["failed"] == []
    assert len(backups(host)) == 1


def test_the_first_backup_notes_which_transactions_it_has(host: HostUnderTest, bucket: Bucket) -> None:
    bucket.delete(bucket.keys())
    first(host)
    (backup,) = backups(host)
    assert int(backup["annotation"]["next-xid"]) <= int(host.superuser("SELECT pg_current_xact_id()"))


def test_nothing_is_made_over_one_with_another_passphrase(host: HostUnderTest, bucket: Bucket) -> None:
    first(host)
    before = bucket.keys()
    settings = host.root / "etc/pgbackrest.conf"
    good = settings.read_text()
    settings.write_text(good.replace("passphrase-1", "passphrase-2"))
    try:
        (failure,) = first(host, cipher_passphrase="passphrase-2")["failed"]
    finally:
        settings.write_text(good)
    assert failure["operation"] == "backup repository"
    assert "another passphrase or damaged" in failure["error"]
    assert set(before) <= set(bucket.keys())
    assert backups(host)


def test_a_backup_that_fails_is_told_with_its_reason(host: HostUnderTest, bucket: Bucket) -> None:
    bucket.delete(bucket.keys())
    host.superuser("ALTER ROLE backup NOLOGIN")
    try:
        report = first(host)
    finally:
        host.superuser("ALTER ROLE backup LOGIN")
    assert report["failed"]
    assert 'role "backup" is not permitted to log in' in str(report["failed"])
