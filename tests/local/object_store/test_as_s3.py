"""Replication, Object Lock and versions of the local S3 are as S3's."""

import re
import ssl
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.object_store.under_test import COPIES, LOCK, RULE, StoreUnderTest, bucket

pytestmark = pytest.mark.slow
Eventually = Callable[..., None]


@pytest.fixture
def store(running_store: StoreUnderTest) -> StoreUnderTest:
    running_store.empty()
    running_store.ensure(COPIES, bucket(replication=(RULE,)))
    return running_store


def is_copied(store: StoreUnderTest, key: str) -> Callable[[], bool]:
    return lambda: store.head(key).get("ReplicationStatus") == "COMPLETED"


def test_a_copy_has_the_version_and_the_time_of_its_source(store: StoreUnderTest, eventually: Eventually) -> None:
    store.put("one", b"first", Metadata={"n": "1"})
    store.put("one", b"second")
    eventually(is_copied(store, "one"))
    assert store.versions("copies") == store.versions()
    copy = store.head("one", "copies")
    assert copy.pop("ReplicationStatus") == "REPLICA"
    assert copy == {name: value for name, value in store.head("one").items() if name != "ReplicationStatus"}
    assert store.body("one", bucket="copies") == b"second"


def test_a_delete_marker_is_copied_and_a_deleted_version_is_not(store: StoreUnderTest, eventually: Eventually) -> None:
    version = store.put("one")
    eventually(is_copied(store, "one"))
    marker = store.client.delete_object(Bucket="kept", Key="one")["VersionId"]
    eventually(lambda: marker in {row[1] for row in store.versions("copies")})
    store.client.delete_object(Bucket="kept", Key="one", VersionId=version)
    store.put("two")
    eventually(is_copied(store, "two"))
    assert {row[1] for row in store.versions("copies")} >= {version, marker}


def test_what_no_rule_is_for_is_not_copied(store: StoreUnderTest, eventually: Eventually) -> None:
    store.ensure(bucket(replication=({**RULE, "Filter": {"Prefix": "in/"}},)))
    store.put("out")
    store.put("in/one")
    eventually(is_copied(store, "in/one"))
    assert "ReplicationStatus" not in store.head("out")
    assert [row[0] for row in store.versions("copies")] == ["in/one"]


def test_what_was_pending_is_copied_after_a_restart(store: StoreUnderTest, eventually: Eventually) -> None:
    version = store.put("one", b"content")
    eventually(is_copied(store, "one"))
    store.kill()
    # As a server leaves it that is killed before the copy was made.
    (record,) = (store.folder() / "keys").iterdir()
    record.write_text(record.read_text().replace("COMPLETED", "PENDING"))
    for path in (store.folder("copies") / "keys").iterdir():
        path.unlink()
    store.start()
    eventually(is_copied(store, "one"))
    assert store.body("one", version, "copies") == b"content"


def test_a_copy_that_can_not_be_made_is_told(store: StoreUnderTest, eventually: Eventually) -> None:
    nowhere = {**RULE, "Destination": {"Bucket": "arn:aws:s3:::nowhere"}}
    store.ensure(bucket(replication=(nowhere,)))
    store.put("one")
    eventually(lambda: store.head("one")["ReplicationStatus"] == "FAILED")
    eventually(lambda: "kept/one: can't be replicated: nowhere is not a versioned bucket" in store.said())


def test_many_objects_are_copied_soon(store: StoreUnderTest, eventually: Eventually) -> None:
    began = time.monotonic()
    for number in range(50):
        store.put(f"many/{number:02}")
    # Many of them at once: a busy machine writes them as slowly.
    eventually(is_copied(store, "many/49"), max(3, 5 * (time.monotonic() - began)))
    assert store.versions("copies") == store.versions()


def test_a_locked_version_stays_and_a_plain_delete_only_hides_it(store: StoreUnderTest) -> None:
    store.ensure(bucket(retention=LOCK))
    version = store.put("one")
    store.client.delete_object(Bucket="kept", Key="one")
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client.delete_object(Bucket="kept", Key="one", VersionId=version)
    refused = store.client.delete_objects(Bucket="kept", Delete={"Objects": [{"Key": "one", "VersionId": version}]})
    assert [error["Code"] for error in refused["Errors"]] == ["AccessDenied"]
    assert store.body("one", version) == b"1"
    store.client.delete_object(Bucket="kept", Key="one", VersionId=version, BypassGovernanceRetention=True)
    assert version not in {row[1] for row in store.versions()}


def test_a_lock_is_not_shortened_without_leave(store: StoreUnderTest) -> None:
    store.ensure(bucket(retention=LOCK))
    version = store.put("one")
    short = {"Mode": "GOVERNANCE", "RetainUntilDate": "2020-01-01T00:00:00Z"}
    asked = {"Bucket": "kept", "Key": "one", "VersionId": version, "Retention": short}
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client.put_object_retention(**asked)
    store.client.put_object_retention(**asked, BypassGovernanceRetention=True)
    store.client.delete_object(Bucket="kept", Key="one", VersionId=version)


def test_a_lock_is_copied_with_its_object(store: StoreUnderTest, eventually: Eventually) -> None:
    store.ensure(bucket(retention=LOCK, replication=(RULE,)))
    version = store.put("one")
    eventually(is_copied(store, "one"))
    with pytest.raises(ClientError, match="AccessDenied"):
        store.client.delete_object(Bucket="copies", Key="one", VersionId=version)


def test_versions_and_delete_markers_are_in_one_order(store: StoreUnderTest) -> None:
    """pgBackRest takes the first of a key that is old enough."""
    first = store.put("one")
    marker = store.client.delete_object(Bucket="kept", Key="one")["VersionId"]
    last = store.put("one")
    trust = ssl.create_default_context(cafile=store.objects.tls.authority)
    url = f"{store.objects.endpoint}/kept?versions"
    with urllib.request.urlopen(url, context=trust, timeout=10) as answer:  # loopback
        found = re.findall("<VersionId>(.*?)</VersionId>", answer.read().decode())
    assert found == [last, marker, first]


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_versions_are_listed_page_by_page(size: int, store: StoreUnderTest) -> None:
    for key in ("a/1", "a/1", "a/2", "b", "c/1", "d ü&"):
        store.put(key)
    store.client.delete_object(Bucket="kept", Key="b")
    pages = store.client.get_paginator("list_object_versions").paginate
    options = {"PageSize": size}
    rows = [row for page in pages(Bucket="kept", PaginationConfig=options) for row in _rows(page)]
    assert sorted(row["Key"] for row in rows) == ["a/1", "a/1", "a/2", "b", "b", "c/1", "d ü&"]
    assert sum(row["IsLatest"] for row in rows) == 5
    folders = [*pages(Bucket="kept", Delimiter="/", PaginationConfig=options)]
    assert [found["Prefix"] for page in folders for found in page.get("CommonPrefixes", [])] == ["a/", "c/"]
    assert sorted(row["Key"] for page in folders for row in _rows(page)) == ["b", "b", "d ü&"]


def _rows(page: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
