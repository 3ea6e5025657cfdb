"""What the engine says of a repository: lists, soundness, and what is wrong with it."""

import copy

import pytest

from tests.host.recovery.site import Site, restore

pytestmark = [pytest.mark.slow, pytest.mark.random_order(disabled=True)]


def test_the_list_has_the_window_and_every_backup(site: Site) -> None:
    found = site.done({"act": "list"})
    first = found["backups"][0]
    assert first["kind"] == "full"
    assert first["next_xid"] > 3
    assert site.objects(first["manifest_key"]) == [first["manifest_key"], f"{first['manifest_key']}.copy"]
    assert found["windows"][0]["from"] > first["stopped_at"]
    assert found["windows"][-1]["is_live"]
    assert found["archive"][0]["gaps"] == []
    assert found["leftovers"] == []


def test_a_second_backup_is_differential_unless_told_otherwise(site: Site) -> None:
    made = site.done({"act": "backup"})["backup"]
    assert (made["kind"], made["error"]) == ("diff", False)
    assert made["next_xid"] is not None


def test_a_sound_repository_is_called_sound(site: Site) -> None:
    found = site.done({"act": "verify"})
    assert found["damaged"] == []
    assert found["is_sound"]
    assert found["wal_files"] > 2


@pytest.mark.parametrize("folder", ["backup", "archive"])
def test_a_damaged_file_is_named(site: Site, folder: str) -> None:
    keys = site.objects(f"postgresql/{folder}/")
    key = next(one for one in keys if "/bundle/" in one or (folder == "archive" and "-1/0" in one and ".zst" in one))
    content = site.damage(key)
    try:
        found = site.done({"act": "verify"})
    finally:
        site.put(key, content)
    assert not found["is_sound"]
    assert key.removeprefix("postgresql/") in {one["file"] for one in found["damaged"]}


def test_a_hole_in_the_log_is_named_and_not_restored_across(site: Site) -> None:
    before = site.row(1000)
    site.host.superuser("SELECT pg_switch_wal()")
    site.row(1001)
    site.host.superuser("SELECT pg_switch_wal()")
    after = site.row(1002)
    site.done(restore("latest", into="across"))
    site.done({"act": "discard", "name": "across"})
    last = site.done({"act": "list"})["archive"][-1]["last"]
    key = [one for one in site.objects("postgresql/archive/") if last not in one and ".zst" in one][-1]
    content = site.client().get_object(Bucket=site.bucket, Key=key)["Body"].read()
    site.client().delete_object(Bucket=site.bucket, Key=key)
    try:
        damaged = site.done({"act": "verify"})["damaged"]
        plan = site.done(restore("lsn", after["lsn"], act="plan"))
        windows = site.done({"act": "list"})["windows"]
    finally:
        site.put(key, content)
    name = key.rsplit("/", 1)[1][:24]
    assert name in {one["file"] for one in damaged}
    assert f"{name} .. {name} is missing" in plan["faults"][0]
    assert len(windows) == 1
    assert not windows[0]["is_live"]
    # The newest commit before it.
    assert windows[0]["until"] < before["at"] < after["at"]


def test_a_wrong_passphrase_is_called_by_its_name(site: Site) -> None:
    path = site.host.root / "etc/pgbackrest.conf"
    site.host.inside(["sed", "-i", "s/^repo1-cipher-pass=.*/repo1-cipher-pass=another-one/", str(path)])
    try:
        for request in ({"act": "list"}, {"act": "verify"}, restore("latest")):
            fault = site.ask(request).fault
            assert "the passphrase is not the one" in fault
            assert "another-one" not in fault
        (fault,) = site.done({"act": "drill"})["faults"]
        assert "the passphrase is not the one" in fault
    finally:
        assert site.host.apply("files")["changed"] == ["backup settings"]


def test_a_store_that_does_not_answer_is_named(site: Site) -> None:
    spec = copy.deepcopy(site.host.spec)
    spec["backup"]["endpoint"] = "localhost:1"
    for request in ({"act": "list"}, {"act": "verify"}, {"act": "backup"}, restore("latest")):
        assert "the store localhost:1 does not answer, tried for" in site.ask(request, spec).fault


def test_a_copy_that_is_not_there_is_refused(site: Site) -> None:
    source = {"repository": "copy", "as_of": None}
    assert "has no copy" in site.ask({"act": "list", "source": source}).fault


def test_the_copy_of_the_repository_is_read_in_its_own_bucket(site: Site) -> None:
    spec = copy.deepcopy(site.host.spec)
    name = f"{site.bucket}-copy"
    site.store.make_bucket(name, region="ca-west-1")
    spec["backup"]["copy"] = {"endpoint": site.store.endpoint, "bucket": name, "region": "ca-west-1"}
    for key in site.objects("postgresql/"):
        site.client().copy_object(Bucket=name, Key=key, CopySource={"Bucket": site.bucket, "Key": key})
    found = site.ask({"act": "list", "source": {"repository": "copy", "as_of": None}}, spec).body
    assert [backup["label"] for backup in found["backups"]] == [
        backup["label"] for backup in site.done({"act": "list"})["backups"]
    ]
    assert not any(one["is_live"] for one in found["windows"])
    newest = restore("latest", into="main", act="plan", replace="main", source={"repository": "copy"})
    # What main has written since, it may lose only where the number is typed; as it stops it ends its segment.
    for is_stopped in (False, True):
        if is_stopped:
            site.host.stop_postgres()
        told = site.ask(newest, spec).body
        assert f"allowed only with --accept-loss {told['loss']['bytes']}" in "".join(told["faults"])
        assert f"up to {told['loss']['bytes']:,} bytes" in told["loses"]
        assert site.ask({**newest, "accepted_loss": told["loss"]["bytes"]}, spec).body["faults"] == []
    site.host.start_postgres()
