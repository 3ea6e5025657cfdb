"""An S3 store on loopback, into which the hosts under test back up."""

import itertools
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.host.authority import authority
from tests.host.running import TIED
from tests.waiting import LIMIT_SECONDS, until


class ObjectStore:
    """An S3 in memory, trusted by whoever trusts the authority 2026."""

    def __init__(self, folder: Path, port: int, *, inside: Sequence[str] = (), bucket: str = "") -> None:
        """`inside` is a command line that starts it elsewhere, as in another network.

        `bucket` is there at once, with what it had when an earlier store of this folder was stopped.
        """
        self.endpoint = f"localhost:{port}"
        certificate, key = authority("2026").server()
        files = {"store.crt": certificate, "store.key": key, "store-ca.crt": authority("2026").pem}
        for name, text in files.items():
            (folder / name).write_text(text)
        self._numbers = itertools.count(1)
        self._ca = str(folder / "store-ca.crt")
        program = [sys.executable, str(Path(__file__).with_name("object_store.py")), str(port)]
        command = [*TIED, *inside, *program, str(folder / "store.crt"), str(folder / "store.key")]
        self._log = (folder / "store.log").open("w")
        variables = os.environ | {"BUCKET": bucket, "KEPT": str(folder / "kept")}
        self._process = subprocess.Popen(command, env=variables, stdout=self._log, stderr=self._log)

    def client(self, region: str = "ca-central-1") -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"https://{self.endpoint}",
            verify=self._ca,
            region_name=region,
            aws_access_key_id="key-id",
            aws_secret_access_key="key-secret",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def new_bucket(self) -> str:
        """The name of one that is empty, and was never there before."""
        name = f"hosts-{next(self._numbers)}"
        self.make_bucket(name)
        return name

    def make_bucket(self, name: str, region: str = "ca-central-1") -> None:
        """Returns when it is there; waits for the store to come up."""
        client = self.client(region)

        def is_there() -> bool:
            assert self._process.poll() is None, Path(self._log.name).read_text()[-2000:]
            try:
                client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
            except client.exceptions.BucketAlreadyOwnedByYou:
                return True
            except Exception:  # noqa: BLE001 - whatever a server that is only starting answers
                return False
            return True

        until(is_there)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(LIMIT_SECONDS)
        self._log.close()
