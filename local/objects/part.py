"""The stand-in for S3: moto under gunicorn, over TLS, on loopback.

What it acknowledges is in the state folder by then (local/object_store): objects with all their versions, and the
buckets with their settings. They outlive the server, also a killed one; only unfinished multipart uploads do not.
"""

import functools
import http.client
import os
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local.common import certificates
from local.common.certificates import ServerCertificate
from local.common.state import State
from local.host import database, serving
from local.host.realisation import UNCHANGED, Realisation
from local.objects.buckets import declared_buckets, ensure_buckets
from local.processes.program import Program, content_hash

if TYPE_CHECKING:
    import boto3

NAME = "objects"
PROJECT = Path(__file__).parents[2]
SERVER = Path(__file__).with_name("server.py")
SOURCES = (
    SERVER,
    *(path for folder in ("local/object_store", "durable") for path in sorted(PROJECT.glob(f"{folder}/*.py"))),
)
"""Our files that the server runs: a change of one restarts it."""
# moto checks no signature.
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
ENVIRONMENT = {
    # Otherwise any page in the developer's browser may read the buckets.
    "MOTO_DISABLE_GLOBAL_CORS": "true",
    # moto's own boto3 must never ask the machine's metadata service who it is.
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, kw_only=True)
class Objects:
    """The server's program, and what one asks of it when it runs."""

    state: State
    port: int
    tls: ServerCertificate

    @property
    def endpoint(self) -> str:
        """URL by name: pgBackRest checks no address in a certificate, and takes an invented host for a bucket's."""
        return f"https://localhost:{self.port}"

    def program(self) -> Program:
        return Program(
            name=NAME,
            command=self._command(),
            # All is saved that it has acknowledged, and gunicorn's own ways to shut down take one to three seconds.
            stop_signal="KILL",
            environment={**ENVIRONMENT, "HYBRID_OBJECTS": str(self.state.store), "TMPDIR": str(self.state.objects)},
            contents=(content_hash(*self.tls.files, *SOURCES),),
        )

    def is_ready(self) -> bool:
        """Whether it lists its buckets; an unsigned request may."""
        trust = ssl.create_default_context(cafile=self.tls.authority)
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=2, context=trust)
        try:
            connection.request("GET", "/")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def client(self, region: str) -> Any:
        """A boto3 S3 client that reads nothing of the operator's own AWS set-up, and uses no proxy."""
        from botocore.config import Config

        config = Config(
            s3={"addressing_style": "path"},
            proxies={},
            retries={"total_max_attempts": 2},
            connect_timeout=5,
            read_timeout=30,
        )
        options = {"region_name": region, "endpoint_url": self.endpoint, "verify": str(self.tls.authority)}
        return _session().client("s3", **options, config=config)

    def _command(self) -> tuple[str, ...]:
        """Command with one worker, for the objects are in its memory."""
        options = {
            "--config": str(SERVER),
            "--bind": f"127.0.0.1:{self.port}",
            "--workers": "1",
            "--worker-class": "gthread",
            "--threads": "8",
            "--keep-alive": "60",
            "--graceful-timeout": "3",
            "--certfile": str(self.tls.certificate),
            "--keyfile": str(self.tls.key),
            "--log-level": "warning",
            "--pythonpath": str(PROJECT),
        }
        flags = (part for option in options.items() for part in option)
        return (
            sys.executable,
            "-m",
            "gunicorn",
            *flags,
            "--no-control-socket",
            "local.objects.server:application()",
        )


def refuse(realisation: Realisation) -> None:
    """Raises LocalError for buckets of which only the cloud would know the name or the region."""
    declared_buckets(realisation.plan)


def start(realisation: Realisation) -> str:
    """The server, the host's trust in it, and the declared buckets."""
    stack = realisation.stack
    tls, _ = certificates.ensure(stack.state)
    objects = Objects(state=stack.state, port=stack.ports.objects, tls=tls)
    outcome = realisation.run(objects.program(), objects.is_ready)
    first = serving.first(realisation.serving)
    database.trust_store(stack, first.objects_ca if first else tls.authority.read_text())
    count = ensure_buckets(objects.client, declared_buckets(realisation.plan))
    return f"{count} buckets changed" if outcome == UNCHANGED and count else outcome


@functools.cache
def _session() -> "boto3.Session":
    """One session for all clients: each new one reads the model of S3 again, a tenth of a second."""
    # boto3 takes 0.3 s to import: only who talks S3 waits for it.
    import boto3
    import botocore.session

    isolated = botocore.session.Session(
        session_vars={
            "profile": (None, None, None, None),
            "config_file": (None, None, os.devnull, None),
            "credentials_file": (None, None, os.devnull, None),
        }
    )
    return boto3.Session(botocore_session=isolated, **CREDENTIALS)
