"""The stand-in for S3, tried with real requests."""

import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from local.common import certificates
from local.common.ports import Ports
from local.common.state import State
from local.objects.buckets import Bucket, ensure_buckets
from local.objects.part import Objects
from local.processes.supervisor import Supervisor

REGION = "ca-central-1"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> State:
    made = State(tmp_path_factory.mktemp("objects") / "state")
    made.prepare()
    return made


@pytest.fixture(scope="module")
def running(folder: State) -> Iterator[Supervisor]:
    made = Supervisor(folder)
    try:
        made.start(list)
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def objects(folder: State, running: Supervisor, free_ports: Ports) -> Objects:
    """It takes a second to start, so one for all tests; each has buckets of its own."""
    made = Objects(state=folder, port=free_ports.objects, tls=certificates.ensure(folder)[0])
    running.ensure(made.program())
    running.wait_ready("objects", made.is_ready)
    return made


def ensure(objects: Objects, name: str, *, versioned: bool = False, **changes: Any) -> bool:
    bucket = Bucket(name=name, region=REGION, is_versioned=versioned, **changes)
    return bool(ensure_buckets(objects.client, [bucket]))


def test_a_bucket_is_made_as_declared(objects: Objects) -> None:
    assert ensure(objects, "declared", versioned=True)
    client = objects.client(REGION)
    assert client.get_bucket_location(Bucket="declared")["LocationConstraint"] == REGION
    assert client.get_bucket_versioning(Bucket="declared")["Status"] == "Enabled"


def test_a_folder_of_which_all_was_deleted_is_listed_no_more(objects: Objects) -> None:
    ensure(objects, "emptied", versioned=True)
    client = objects.client(REGION)
    for key in ("a/gone/1", "a/kept/1"):
        client.put_object(Bucket="emptied", Key=key, Body=b"1")
    client.delete_object(Bucket="emptied", Key="a/gone/1")
    found = client.list_objects_v2(Bucket="emptied", Prefix="a/", Delimiter="/")
    assert [prefix["Prefix"] for prefix in found["CommonPrefixes"]] == ["a/kept/"]


def test_a_bucket_that_is_there_stays_with_what_is_in_it(objects: Objects) -> None:
    ensure(objects, "there")
    objects.client(REGION).put_object(Bucket="there", Key="kept", Body=b"1")
    assert not ensure(objects, "there")
    assert objects.client(REGION).get_object(Bucket="there", Key="kept")["Body"].read() == b"1"


def test_a_changed_declaration_changes_the_bucket(objects: Objects) -> None:
    ensure(objects, "changed", versioned=True)
    assert ensure(objects, "changed")
    assert not ensure(objects, "changed")
    assert objects.client(REGION).get_bucket_versioning(Bucket="changed")["Status"] == "Suspended"


def test_lock_lifecycle_and_replication_follow_the_declaration(objects: Objects) -> None:
    ensure(objects, "copies", versioned=True)
    old = {"NoncurrentVersionExpiration": {"NoncurrentDays": 5}, "Expiration": {"ExpiredObjectDeleteMarker": True}}
    rule = {
        "ID": "copy",
        "Priority": 0,
        "Status": "Enabled",
        "Filter": {"Prefix": "kept/"},
        "DeleteMarkerReplication": {"Status": "Enabled"},
        "Destination": {"Bucket": "arn:aws:s3:::copies"},
    }
    declared: dict[str, Any] = {
        "retention": {"Mode": "GOVERNANCE", "Days": 3},
        "lifecycle": ({"ID": "old", "Status": "Enabled", "Filter": {}, **old},),
        "replication": (rule,),
    }
    assert ensure(objects, "guarded", versioned=True, **declared)
    assert not ensure(objects, "guarded", versioned=True, **declared)
    client = objects.client(REGION)
    assert client.get_bucket_replication(Bucket="guarded")["ReplicationConfiguration"]["Rules"] == [rule]
    # S3 takes another number of days for a bucket that holds objects.
    client.put_object(Bucket="guarded", Key="there", Body=b"1")
    assert ensure(objects, "guarded", versioned=True, retention={"Mode": "GOVERNANCE", "Days": 4})
    lock = client.get_object_lock_configuration(Bucket="guarded")["ObjectLockConfiguration"]
    assert lock["Rule"]["DefaultRetention"]["Days"] == 4
    for get in (client.get_bucket_replication, client.get_bucket_lifecycle_configuration):
        with pytest.raises(client.exceptions.ClientError, match=r"not (found|exist)"):
            get(Bucket="guarded")


def test_objects_of_any_size_come_back(objects: Objects) -> None:
    """Above 5 MB they are in a temporary file."""
    ensure(objects, "sizes")
    client = objects.client(REGION)
    for size in (0, 1, 1 << 20, 16 << 20):
        client.put_object(Bucket="sizes", Key="one", Body=b"x" * size)
        assert client.get_object(Bucket="sizes", Key="one")["Body"].read() == b"x" * size


def test_the_operators_own_aws_setup_is_not_used(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://127.0.0.1:9")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere")
    assert ensure(objects, "isolated")


def test_a_client_that_does_not_trust_our_authority_is_refused(objects: Objects) -> None:
    context = ssl.create_default_context()
    with (
        socket.create_connection(("127.0.0.1", objects.port)) as link,
        pytest.raises(ssl.SSLCertVerificationError),
        context.wrap_socket(link, server_hostname="localhost"),
    ):
        pass


def test_a_connection_closes_with_notice(objects: Objects) -> None:
    """pgBackRest fails every request on a connection that just ends (TLS close_notify)."""
    context = ssl.create_default_context(cafile=objects.tls.authority)
    with (
        socket.create_connection(("127.0.0.1", objects.port), timeout=10) as link,
        context.wrap_socket(link, server_hostname="localhost", suppress_ragged_eofs=False) as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        # A connection that just ends raises SSLEOFError here.
        answer = b"".join(iter(lambda: tls.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 OK")


def test_a_web_page_may_not_read_buckets(objects: Objects) -> None:
    context = ssl.create_default_context(cafile=objects.tls.authority)
    with (
        socket.create_connection(("127.0.0.1", objects.port), timeout=10) as link,
        context.wrap_socket(link, server_hostname="localhost") as tls,
    ):
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://example.com\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: tls.recv(65536), b""))
    assert b"access-control-allow-origin" not in answer.lower()


def test_it_speaks_on_loopback_only_and_says_nothing(objects: Objects, running: Supervisor) -> None:
    before = running.tail("objects")
    ensure(objects, "quiet")
    links = [link for pid in running.pids() for link in psutil.Process(pid).net_connections(kind="inet")]
    assert {link.laddr.ip for link in links} == {"127.0.0.1"}
    assert {link.raddr.ip for link in links if link.raddr} <= {"127.0.0.1"}
    assert running.tail("objects") == before


def test_it_restarts_only_for_a_new_certificate(objects: Objects, folder: State) -> None:
    before = objects.program().fingerprint
    assert objects.program().fingerprint == before
    key = objects.tls.key.read_bytes()
    try:
        objects.tls.key.write_bytes(key + b"\n")
        assert objects.program().fingerprint != before
    finally:
        objects.tls.key.write_bytes(key)


def test_nobody_answers_where_it_does_not_run(folder: State, objects: Objects, free_ports: Ports) -> None:
    assert not Objects(state=folder, port=free_ports.api, tls=objects.tls).is_ready()


def test_a_lost_bucket_is_told(state: State, supervisor: Supervisor, free_ports: Ports) -> None:
    objects = Objects(state=state, port=free_ports.postgres, tls=certificates.ensure(state)[0])
    supervisor.start(list)
    supervisor.ensure(objects.program())
    supervisor.wait_ready("objects", objects.is_ready)
    assert ensure(objects, "backups", versioned=True)
    supervisor.restart("objects")
    supervisor.wait_ready("objects", objects.is_ready)
    assert not ensure(objects, "backups", versioned=True)
    shutil.rmtree(objects.state.store)
    supervisor.restart("objects")
    supervisor.wait_ready("objects", objects.is_ready)
    assert ensure(objects, "backups", versioned=True)


def test_its_temporary_files_are_in_the_state_folder(objects: Objects, folder: State) -> None:
    assert Path(objects.program().environment["TMPDIR"]).is_relative_to(folder.folder)
