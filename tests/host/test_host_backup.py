"""A real host backs up into an S3 store on loopback."""

import json
import sys
from collections.abc import Callable

import boto3
import pytest
from botocore.config import Config

from tests.host.running import PROJECT, HostUnderTest, until

pytestmark = pytest.mark.slow

PgBackRest = Callable[..., str]


@pytest.fixture(scope="module")
def pgbackrest(host: HostUnderTest) -> PgBackRest:
    """Runs pgBackRest as the database's user; its store is up, and trusted through the host's own authority."""
    backup = host.spec["backup"]
    certificate, key = (str(host.root / f"etc/hybrid/server.{end}") for end in ("crt", "key"))
    gunicorn = ["-m", "gunicorn", "--worker-class", "gthread", "--threads", "8", "--keep-alive", "60"]
    place = [
        "--chdir",
        str(PROJECT / "tests/host"),
        "--bind",
        backup["endpoint"].replace("localhost", "127.0.0.1"),
    ]
    secure = ["--certfile", certificate, "--keyfile", key]
    host.start_inside([sys.executable, *gunicorn, *place, *secure, "object_store:application"])
    client = boto3.client(
        "s3",
        endpoint_url=f"https://{backup['endpoint']}",
        verify=str(host.root / "etc/hybrid/ca/ca.crt"),
        region_name=backup["region"],
        aws_access_key_id=backup["key_id"],
        aws_secret_access_key=backup["key_secret"],
        config=Config(retries={"total_max_attempts": 1}),
    )
    place_of_buckets = {"LocationConstraint": backup["region"]}

    def is_there() -> bool:
        try:
            client.create_bucket(Bucket=backup["bucket"], CreateBucketConfiguration=place_of_buckets)
        except client.exceptions.BucketAlreadyOwnedByYou:
            return True
        except Exception:  # noqa: BLE001 - whatever a server that is only starting answers
            return False
        return True

    until(is_there)

    def run(*arguments: str) -> str:
        as_postgres = ["chroot", "--userspec=postgres:postgres", str(host.root)]
        result = host.inside([*as_postgres, "pgbackrest", f"--stanza={backup['stanza']}", *arguments])
        assert result.returncode == 0, result.stderr + result.stdout
        return result.stdout

    return run


def test_a_full_backup_is_taken_and_the_log_is_archived(host: HostUnderTest, pgbackrest: PgBackRest) -> None:
    pgbackrest("stanza-create")
    pgbackrest("check")
    pgbackrest("--type=full", "backup")
    (stanza,) = json.loads(pgbackrest("--output=json", "info"))
    assert [backup["type"] for backup in stanza["backup"]] == ["full"]
    assert stanza["cipher"] == "aes-256-cbc"
    assert host.one("monitor", "SELECT archived_count FROM pg_stat_archiver") > 0
