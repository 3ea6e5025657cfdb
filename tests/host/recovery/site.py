"""A host with a recovery engine, as the tests drive it."""

import itertools
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3

from local.host import namespace
from tests.commands import ran
from tests.host.running import PROGRAMS, PROJECT, HostUnderTest
from tests.host.store import ObjectStore

MAJOR = 17
CLUSTERS = f"var/lib/postgresql/{MAJOR}"
ANSWER_SECONDS = 600


@dataclass(frozen=True)
class Answer:
    code: int
    body: dict[str, Any]
    stderr: str

    @property
    def fault(self) -> str:
        assert self.code == 1, (self.code, self.body, self.stderr)
        return "\n".join(self.body["faults"])


def restore(kind: str, value: str | None = None, *, into: str = "copy", act: str = "restore", **more: Any) -> Any:
    """A request; `replace` and `source` beside the target's own fields."""
    outer = {name: more.pop(name) for name in ("replace", "source") if name in more}
    return {"act": act, "target": {"kind": kind, "value": value, **more}, "into": into, **outer}


@dataclass(frozen=True)
class Bundled:
    """A file within an object of many."""

    name: str
    key: str
    place: slice
    checksum: str

    @property
    def size(self) -> int:
        return int(self.place.stop - self.place.start)


class Site:
    def __init__(self, host: HostUnderTest, store: ObjectStore) -> None:
        self.host = host
        self.store = store

    def engine(self, spec: dict[str, Any] | None = None) -> list[str]:
        return namespace.enter(self.host.pid, [sys.executable, "-m", "host.recovery", *self._arguments(spec)])

    def _arguments(self, spec: dict[str, Any] | None) -> list[str]:
        path = self.host.root.with_name("recovery.json")
        path.touch(mode=0o600)
        path.write_text(json.dumps(spec or self.host.spec))
        return [str(path), "--root", str(self.host.root)]

    def ask_with(self, program: str, request: Any) -> Answer:
        """The same, after a few words of Python in the engine's process."""
        *before, _module, name, path, option, root = self.engine()
        argv = [*before, "-c", f"import sys; {program}from {name}.__main__ import main; sys.exit(main())"]
        text = json.dumps(request)
        found = ran([*argv, path, option, root], input=text)
        return Answer(found.returncode, json.loads(found.stdout) if found.stdout else {}, found.stderr)

    def ask(self, request: Any, spec: dict[str, Any] | None = None) -> Answer:
        found = self.host.preloaded.run("host.recovery", self._arguments(spec), json.dumps(request))
        return Answer(found.returncode, json.loads(found.stdout) if found.stdout.strip() else {}, found.stderr)

    def asking(self, request: Any, spec: dict[str, Any] | None = None) -> subprocess.Popen[str]:
        """The same, begun; the request is still to be written."""
        pipe = subprocess.PIPE
        return subprocess.Popen(self.engine(spec), cwd=PROJECT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def done(self, request: Any) -> dict[str, Any]:
        answer = self.ask(request)
        assert answer.code == 0, (answer.body, answer.stderr)
        return answer.body

    def copy(self, query: str, cluster: dict[str, Any]) -> str:
        """What psql prints of a query in a restored cluster."""
        place = ["--port", str(cluster["port"]), "--dbname", self.host.spec["postgres"]["database"]]
        answer = self.host.as_postgres(f"{PROGRAMS}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *place, "--command", query)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def clusters(self) -> list[str]:
        """The folders beside main."""
        listed = self.host.inside(["ls", "-A", str(self.host.root / CLUSTERS)]).stdout.split()
        return [name for name in listed if name != "main" and not name.startswith(".hybrid-recovery.")]

    def servers(self) -> list[str]:
        """The command lines of servers beside main."""
        listed = self.host.inside(["pgrep", "--full", "--list-full", "bin/postgres -D"]).stdout.splitlines()
        return [line for line in listed if "/etc/postgresql" not in line]

    def row(self, number: int) -> dict[str, Any]:
        """Write one in a transaction of its own; where it is in the log, and a moment after it."""
        xid = self.host.superuser(f"INSERT INTO public.trial VALUES ({number}) RETURNING pg_current_xact_id()")
        time, lsn = self.host.superuser("SELECT clock_timestamp(), pg_current_wal_insert_lsn()").split("|")
        return {
            "number": number,
            "xid": xid,
            "at": datetime.fromisoformat(time).astimezone(UTC).isoformat(),
            "lsn": lsn,
        }

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=f"https://{self.store.endpoint}",
            verify=self.store._ca,
            region_name="ca-central-1",
            aws_access_key_id="key-id",
            aws_secret_access_key="key-secret",
        )

    def objects(self, prefix: str) -> list[str]:
        listed = self.client().get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
        return [found["Key"] for page in listed for found in page.get("Contents", ())]

    def damage(self, key: str) -> bytes:
        """Change bytes in the middle of an object; what it was."""
        content = self.get(key)
        middle = len(content) // 2
        self.put(key, content[:middle] + b"damaged!" + content[middle + 8 :])
        return content

    def bundled(self, label: str) -> list[Bundled]:
        """The databases' files that a backup has whole in bundles, its own or those of the backups it builds on."""
        stanza = self.host.spec["backup"]["stanza"]
        manifest = self.host.pgbackrest("repo-get", f"backup/{stanza}/{label}/backup.manifest")
        found = []
        for name, text in re.findall(r"^pg_data/(base/\S+)=(\{.*\})$", manifest, re.MULTILINE):
            file = json.loads(text)
            # Larger ones are kept in blocks ("bi").
            if "bni" in file and "bi" not in file and file["size"]:
                key = f"postgresql/backup/{stanza}/{file.get('reference', label)}/bundle/{file['bni']}"
                place = slice(file.get("bno", 0), file.get("bno", 0) + file.get("repo-size", file["size"]))
                found.append(Bundled(name, key, place, file["checksum"]))
        return found

    def misplace(self, label: str) -> tuple[Bundled, bytes]:
        """Write another file's bytes in the place of a bundled one, and only there: which, and what its bundle was.

        Other than bytes that were changed they can be decrypted and unpacked, so only the checksum is wrong.
        """
        files = self.bundled(label)
        bundles: dict[str, bytes] = {}
        for one in files:
            bundles[one.key] = bundles.get(one.key) or self.get(one.key)
        one, other = next(
            (one, other)
            for one, other in itertools.combinations(files, 2)
            if one.size == other.size and one.checksum != other.checksum
        )
        content = bytearray(bundles[one.key])
        content[one.place] = bundles[other.key][other.place]
        self.put(one.key, bytes(content))
        return one, bundles[one.key]

    def get(self, key: str) -> bytes:
        content: bytes = self.client().get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> None:
        self.client().put_object(Bucket=self.bucket, Key=key, Body=content)

    @property
    def bucket(self) -> str:
        name: str = self.host.spec["backup"]["bucket"]
        return name
