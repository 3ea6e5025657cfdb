"""What the local S3 has acknowledged outlives it, however it ends."""

import contextlib
import hashlib
import io
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from local.object_store.backend import Backend
from local.object_store.versions import StoredBody
from tests.local.object_store.under_test import COPIES, LOCK, REGION, RULE, StoreUnderTest, bucket
from tests.small_disk import needs_disk, small_disk
from tests.waiting import until

pytestmark = pytest.mark.slow
Eventually = Callable[..., None]
PARTS = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)


@pytest.fixture
def store(running_store: StoreUnderTest) -> StoreUnderTest:
    running_store.empty()
    running_store.ensure(bucket())
    return running_store


def test_objects_versions_and_markers_outlive_a_killed_server(store: StoreUnderTest) -> None:
    first, second = store.put("a/b ü&.txt", b"one", Metadata={"n": "1"}, Tagging="kind=x"), store.put("a/b ü&.txt", b"")
    store.put("gone")
    marker = store.client.delete_object(Bucket="kept", Key="gone")["VersionId"]
    store.put("left")
    before = store.versions(), store.head("a/b ü&.txt")
    store.kill_and_start()
    assert (store.versions(), store.head("a/b ü&.txt")) == before
    assert marker in {row[1] for row in store.versions()}
    assert [store.body("a/b ü&.txt", version) for version in (first, second)] == [b"one", b""]
    tags = store.client.get_object_tagging(Bucket="kept", Key="a/b ü&.txt", VersionId=first)["TagSet"]
    assert tags == [{"Key": "kind", "Value": "x"}]
    with pytest.raises(ClientError, match="Not Found"):
        store.head("gone")


def test_a_large_upload_in_parts_outlives_a_killed_server(store: StoreUnderTest) -> None:
    store.ensure(bucket(retention=LOCK))
    content = os.urandom(12 << 20)
    store.client.upload_fileobj(io.BytesIO(content), "kept", "large", Config=PARTS)
    before = store.head("large")
    assert before["ObjectLockMode"] == "GOVERNANCE"
    store.kill_and_start()
    assert store.head("large") == before
    assert store.body("large") == content


@needs_disk
@pytest.mark.parametrize("part", ["bodies", "keys"])
def test_a_store_whose_disk_is_full_says_so_and_takes_what_comes_after(store: StoreUnderTest, part: str) -> None:
    filling = store.folder() / part / "filling"
    with small_disk(filling.parent, 64):
        with pytest.raises(OSError, match="No space"):
            filling.write_bytes(bytes(1 << 20))
        with pytest.raises(ClientError, match="the disk of the store's folder is full") as refused:
            store.put("one", b"lost")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
        assert refused.value.response["Error"]["Code"] == "InsufficientStorage"
        until(lambda: "No space left on device" in store.said())
        # Neither what it refused: each further try would take some of what is left.
        assert [path.name for path in (store.folder() / "bodies").iterdir() if path != filling] == []
        filling.unlink()
        version = store.put("one", b"kept")
        assert store.body("one") == b"kept"
        assert [row[1] for row in store.versions()] == [version]
        store.client.delete_object(Bucket="kept", Key="one", VersionId=version)


@needs_disk
@pytest.mark.parametrize("part", ["bodies", "keys"])
def test_a_copy_for_which_there_is_no_room_is_made_once_there_is(store: StoreUnderTest, part: str) -> None:
    store.ensure(COPIES, bucket(replication=(RULE,)))
    filling = store.folder("copies") / part / "filling"
    with small_disk(filling.parent, 64):
        with pytest.raises(OSError, match="No space"):
            filling.write_bytes(bytes(1 << 20))
        version = store.put("one", b"kept")
        until(lambda: "kept/one: waits to be replicated: No space left on device" in store.said())
        assert store.head("one")["ReplicationStatus"] == "PENDING"
        filling.unlink()
        until(lambda: store.head("one")["ReplicationStatus"] == "COMPLETED")
        assert store.body("one", version, "copies") == b"kept"
        assert len(list((store.folder("copies") / "bodies").iterdir())) == 1
        for name in ("kept", "copies"):
            store.client.delete_object(Bucket=name, Key="one", VersionId=version)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=90-", 90, 100),
        ("bytes=-5", 95, 100),
        ("bytes=7-3", 0, 100),
        ("bytes=1-2,5-6", 0, 100),
    ],
)
def test_a_range_is_read(asked: str, first: int, last: int, store: StoreUnderTest) -> None:
    content = os.urandom(100)
    store.put("one", content)
    answer = store.client.get_object(Bucket="kept", Key="one", Range=asked)
    assert answer["Body"].read() == content[first:last]
    with pytest.raises(ClientError, match="InvalidRange"):
        store.client.get_object(Bucket="kept", Key="one", Range="bytes=100-200")


def test_bucket_settings_outlive_a_killed_server(store: StoreUnderTest) -> None:
    old = {"ID": "old", "Status": "Enabled", "Filter": {}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5}}
    wanted = bucket(retention=LOCK, lifecycle=(old,), replication=(RULE,))
    assert store.ensure(COPIES, wanted) == 2
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    store.client.put_bucket_policy(Bucket="kept", Policy=policy)
    store.client.create_bucket(Bucket="empty", CreateBucketConfiguration={"LocationConstraint": "ca-central-1"})
    store.client.delete_bucket(Bucket="empty")
    before = sorted(store.client.list_buckets()["Buckets"], key=str)
    store.kill_and_start()
    assert store.ensure(COPIES, wanted) == 0
    assert store.client.get_bucket_policy(Bucket="kept")["Policy"] == policy
    assert sorted(store.client.list_buckets()["Buckets"], key=str) == before


def test_what_was_deleted_for_good_stays_deleted(store: StoreUnderTest) -> None:
    first, second = store.put("one", b"1"), store.put("one", b"22")
    store.client.delete_object(Bucket="kept", Key="one", VersionId=second)
    alone = store.put("other")
    store.client.delete_objects(Bucket="kept", Delete={"Objects": [{"Key": "other", "VersionId": alone}]})
    assert len(list((store.folder() / "bodies").iterdir())) == 1
    store.kill_and_start()
    assert [row[:3] for row in store.versions()] == [("one", first, True)]
    assert len(list((store.folder() / "bodies").iterdir())) == 1


def test_no_version_is_lost_where_many_write_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Backend("aws", "123456789012")
    backend.changed = lambda bucket, key: None
    backend.write_body = lambda bucket, content: StoredBody(Path("body"), len(b"".join(content)))
    made = backend.create_bucket("contended", "ca-central-1")
    made.versioning_status = "Enabled"
    read = made.keys.getlist

    def slow(*arguments: Any) -> Any:
        found = read(*arguments)
        time.sleep(0.001)
        return found

    monkeypatch.setattr(made.keys, "getlist", slow)
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda _: backend.put_object("contended", "one", b"1").version_id, range(40)))
    assert sorted(one.version_id for one in read("one")) == sorted(written)


def test_an_object_is_whole_that_was_listed_while_it_came(store: StoreUnderTest) -> None:
    """As pgBackRest lists the archive for one WAL segment while it stores another."""
    is_over = threading.Event()

    def look() -> None:
        client = store.objects.client(REGION)
        while not is_over.is_set():
            client.list_objects_v2(Bucket="kept")

    content = os.urandom(4 << 20)
    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        answers = [store.client.put_object(Bucket="kept", Key="one", Body=content) for _ in range(25)]
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
    assert {answer["ETag"] for answer in answers} == {f'"{digest}"'}
    bodies = [path.read_bytes() for path in (store.folder() / "bodies").iterdir()]
    assert (len(bodies), {len(body) for body in bodies}, set(bodies) == {content}) == (25, {len(content)}, True)


def test_nothing_acknowledged_is_lost_by_a_kill_under_load(store: StoreUnderTest) -> None:
    acknowledged: list[tuple[str, str]] = []
    is_over = threading.Event()

    def write(writer: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            # One key of its own each, and one that all write.
            key = f"{writer}/{number}" if number % 2 else "shared"
            try:
                acknowledged.append((key, store.put(key, f"{writer} {number}".encode() * 1000)))
            except (BotoCoreError, ClientError):
                return

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    until(lambda: len(acknowledged) >= 150)
    store.kill()
    is_over.set()
    for thread in threads:
        thread.join()
    store.start()
    pages = store.client.get_paginator("list_object_versions").paginate(Bucket="kept")
    found = {(row["Key"], row["VersionId"]) for page in pages for row in page["Versions"]}
    assert set(acknowledged) <= found
    assert store.said() == ""


def test_a_damaged_file_is_named_and_the_rest_is_served(store: StoreUnderTest) -> None:
    store.put("whole")
    store.put("short", b"12345")
    bodies = {json.loads(path.read_text())["key"]: path for path in (store.folder() / "keys").iterdir()}
    store.put("damaged")
    damaged = next(path for path in (store.folder() / "keys").iterdir() if path not in bodies.values())
    store.kill()
    damaged.write_text('{"half')
    body = store.folder() / "bodies" / json.loads(bodies["short"].read_text())["versions"][0]["body"]
    body.write_bytes(b"123")
    store.start()
    assert store.body("whole") == b"1"
    until(lambda: len(store.said().splitlines()) >= 2)
    said = store.said().splitlines()
    assert len(said) == 2
    assert any(str(damaged) in line and "its object is left out" in line for line in said)
    assert any(f"{body}: has 3 bytes instead of 5" in line for line in said)
    # What may still be of use to somebody who mends it.
    assert len(list((store.folder() / "bodies").iterdir())) == 3


def test_what_a_killed_server_left_half_written_is_removed(store: StoreUnderTest) -> None:
    store.put("one")
    store.kill()
    for path in (store.folder() / "bodies" / "nobodys", store.folder() / "keys" / "x.json.1.new"):
        path.write_text("half")
    store.start()
    assert [len(list((store.folder() / name).iterdir())) for name in ("bodies", "keys")] == [1, 1]
    assert store.said() == ""


def test_what_cannot_be_kept_is_refused_and_not_seen(store: StoreUnderTest) -> None:
    first = store.put("one", b"before")
    (store.folder() / "bodies").rename(store.folder() / "away")
    with pytest.raises(ClientError, match="InternalError"):
        store.put("one", b"after")
    with pytest.raises(ClientError, match="InternalError"):
        store.put("new")
    (store.folder() / "away").rename(store.folder() / "bodies")
    assert store.body("one") == b"before"
    assert [row[:2] for row in store.versions()] == [("one", first)]
    until(lambda: "/kept/one: can't be served: " in store.said())
    assert store.put("one", b"after")


def test_what_is_refused_leaves_nothing_on_the_disk(store: StoreUnderTest) -> None:
    with pytest.raises(ClientError, match="InvalidStorageClass"):
        store.put("one", StorageClass="COLD")
    assert list((store.folder() / "bodies").iterdir()) == []


def test_old_versions_go_as_the_lifecycle_says_but_locked_ones_stay(store: StoreUnderTest) -> None:
    old: dict[str, Any] = {"NoncurrentVersionExpiration": {"NoncurrentDays": 5}}
    rule = {"ID": "old", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}, **old}
    store.ensure(bucket(lifecycle=(rule,)))
    for key in ("replaced", "removed", "fresh"):
        store.put(key, b"first")
    store.put("replaced", b"second")
    store.put("fresh", b"second")
    store.client.delete_object(Bucket="kept", Key="removed")
    store.ensure(bucket(lifecycle=(rule,), retention={"Mode": "GOVERNANCE", "Days": 30}))
    locked = store.put("locked", b"first")
    store.put("locked", b"second")
    store.kill()
    for path in (store.folder() / "keys").iterdir():
        record = json.loads(path.read_text())
        if record["key"] != "fresh":
            for version in record["versions"]:
                version["last_modified"] = version["last_modified"].replace("20", "19", 1)
            path.write_text(json.dumps(record))
    store.start()
    found = [(row[0], row[2]) for row in store.versions()]
    assert found == [("fresh", True), ("fresh", False), ("locked", True), ("locked", False), ("replaced", True)]
    assert locked in {row[1] for row in store.versions()}
    store.kill_and_start()
    assert [(row[0], row[2]) for row in store.versions()] == found


def test_a_body_of_which_the_end_is_missing_is_not_stored(store: StoreUnderTest) -> None:
    """As its client leaves it that is killed over a PUT. S3 refuses it, IncompleteBody."""
    url = urlsplit(store.objects.endpoint)
    context = ssl.create_default_context(cafile=store.objects.tls.authority)
    with (
        socket.create_connection((url.hostname, url.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=url.hostname) as sent,
    ):
        sent.sendall(b"PUT /kept/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + b"x" * 50)
        sent.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            sent.recv(1 << 16)
    store.put("whole")
    assert [one["Key"] for one in store.client.list_objects_v2(Bucket="kept")["Contents"]] == ["whole"]
