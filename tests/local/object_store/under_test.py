"""A local S3 of a test's own, killed and started again."""

import os
import signal
from pathlib import Path
from typing import Any

from local.common import certificates
from local.common.ports import Ports
from local.common.state import State
from local.objects.buckets import ARN, Bucket, ensure_buckets
from local.objects.part import Objects
from local.processes.supervisor import Supervisor
from tests.waiting import until

REGION, COPY_REGION = "ca-central-1", "ca-west-1"
COPIES = Bucket(name="copies", region=COPY_REGION, is_versioned=True)
RULE = {
    "ID": "copy",
    "Priority": 0,
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "DeleteMarkerReplication": {"Status": "Enabled"},
    "Destination": {"Bucket": f"{ARN}copies"},
}
LOCK = {"Mode": "GOVERNANCE", "Days": 3}


def bucket(name: str = "kept", **changes: Any) -> Bucket:
    fields: dict[str, Any] = {"name": name, "region": REGION, "is_versioned": True}
    return Bucket(**fields | changes)


class StoreUnderTest:
    def __init__(self, state: State, supervisor: Supervisor, ports: Ports) -> None:
        self.objects = Objects(state=state, port=ports.objects, tls=certificates.ensure(state)[0])
        self.client = self.objects.client(REGION)
        self.supervisor = supervisor
        self._heard = 0
        self.start()

    def start(self) -> None:
        self.supervisor.ensure(self.objects.program())
        self.supervisor.wait_ready("objects", self.objects.is_ready)

    def kill(self) -> None:
        pid = self.supervisor.status()["objects"].pid
        assert pid
        os.killpg(pid, signal.SIGKILL)
        until(lambda: not self.supervisor.status()["objects"].is_running)

    def kill_and_start(self) -> None:
        self.kill()
        self.start()

    def empty(self) -> None:
        """Empties it, as a new one is. Files of a test's own, which the server does not know, take a new start."""
        self.start()
        for found in self.client.list_buckets()["Buckets"]:
            self._remove(found["Name"])
        left = sorted(self.objects.state.store.rglob("*"), reverse=True)
        if any(path.is_file() for path in left):
            self.kill()
            for path in left:
                path.rmdir() if path.is_dir() else path.unlink()
            self.start()
        self._heard = len(self._log())

    def _remove(self, bucket: str) -> None:
        for page in self.client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            rows = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            objects = [{"Key": row["Key"], "VersionId": row["VersionId"]} for row in rows]
            if objects:
                self.client.delete_objects(Bucket=bucket, Delete={"Objects": objects}, BypassGovernanceRetention=True)
        self.client.delete_bucket(Bucket=bucket)

    def ensure(self, *buckets: Bucket) -> int:
        return ensure_buckets(self.objects.client, buckets)

    def put(self, key: str, body: bytes = b"1", bucket: str = "kept", **options: Any) -> str:
        """The new version's id."""
        return str(self.client.put_object(Bucket=bucket, Key=key, Body=body, **options).get("VersionId"))

    def body(self, key: str, version: str | None = None, bucket: str = "kept") -> bytes:
        chosen = {"VersionId": version} if version else {}
        found: bytes = self.client.get_object(Bucket=bucket, Key=key, **chosen)["Body"].read()
        return found

    def head(self, key: str, bucket: str = "kept") -> dict[str, Any]:
        """Headers without those of the single request."""
        answer = self.client.head_object(Bucket=bucket, Key=key)
        return {name: value for name, value in answer.items() if name != "ResponseMetadata"}

    def versions(self, bucket: str = "kept") -> list[tuple[Any, ...]]:
        """Key, version, whether it is the newest, time and size; delete markers, which have none, last."""
        answer = self.client.list_object_versions(Bucket=bucket)
        rows = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        return [
            tuple(row.get(name) for name in ("Key", "VersionId", "IsLatest", "LastModified", "Size")) for row in rows
        ]

    def folder(self, bucket: str = "kept") -> Path:
        return self.objects.state.store / bucket

    def said(self) -> str:
        """What was said since it was emptied. The newest comes late, through the supervisor's pipe."""
        return "\n".join(self._log()[self._heard :])

    def _log(self) -> list[str]:
        return (self.objects.state.logs / "objects.log").read_text().splitlines()
