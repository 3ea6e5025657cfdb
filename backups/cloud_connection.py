"""The connection to a host in the cloud: the declared document, run by Systems Manager."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from backups import copies, systems_manager
from backups.connection import Say, asked
from backups.errors import BackupError
from components.host.policies import drill_document_name, recovery_document_name
from components.resource_types import tokens
from database import parameter_store, session_manager
from database.declared import Declared, declared, nodes, specification
from host.recovery.contract import Backup, Restored, RestoreRequest, Source
from host.specification import model
from plan.model import Plan, reveal


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A bucket with backups."""

    bucket: str
    region: str


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What a stack declares about its backups; no secret."""

    host: Declared
    document: str
    drill_document: str
    primary: Repository
    copy: Repository | None


def declaration(plan: Plan) -> Declaration:
    """Raises DatabaseError, and BackupError where the plan lacks what the connection needs."""
    host = declared(plan)
    document = _document(plan, recovery_document_name(""))
    drill_document = _document(plan, drill_document_name(""))
    hosts = map(specification, plan.of_type(tokens.POSTGRES_HOST))
    given = next(one.backup for one in hosts if one.postgres.is_serving)
    return Declaration(
        host=host,
        document=document,
        drill_document=drill_document,
        primary=_repository(given),
        copy=_repository(given.replica) if given.replica else None,
    )


def _document(plan: Plan, suffix: str) -> str:
    names = [str(reveal(found.inputs["name"])) for found in plan.of_type(tokens.DOCUMENT)]
    documents = [name for name in names if name.endswith(suffix)]
    if len(documents) != 1:
        raise BackupError(f"{plan.stack}: declares {len(documents)} documents that end in {suffix}; one is needed")
    return documents[0]


def _repository(given: model.Backup | model.Copy) -> Repository:
    return Repository(bucket=given.bucket, region=given.region)


class CloudConnection:
    """Asks with the operator's own credentials."""

    def __init__(self, found: Declaration, folder: Path, say: Say) -> None:
        self.stack = found.host.stack
        self.evidence = folder / found.host.stack
        self._declared = found
        self._say = say

    @cached_property
    def _ssm(self) -> Any:
        return parameter_store.client()

    @cached_property
    def _node(self) -> str:
        return session_manager.node(self._ssm, self._declared.host.node_tags)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        # A drill at a named time is an operator's.
        if request["act"] == "drill" and request.get("at") is None:
            command = systems_manager.send_drill(
                self._ssm, self._node, self._declared.drill_document, request.get("seed")
            )
        else:
            command = systems_manager.send(self._ssm, self._node, self._declared.document, request)
        return systems_manager.result(command, self._say)

    def restore_in_place(self, wanted: RestoreRequest) -> Restored:
        """The engine stops and starts the host's own services."""
        return asked(self, Restored, wanted)

    def copy_states(self, backups: Sequence[Backup], source: Source) -> dict[str, str]:
        found = self._declared.copy if source.repository == "copy" else self._declared.primary
        if found is None:
            return dict.fromkeys((one.label for one in backups), "unknown: no copy is declared")
        return copies.states(lambda: _s3(found.region), found.bucket, backups)


def of_each_host(plan: Plan, folder: Path, say: Say) -> dict[str, CloudConnection]:
    """By the hosts' names. Raises as declaration."""
    found = declaration(plan)
    return {
        name: CloudConnection(replace(found, host=replace(found.host, node_tags=tags)), folder, say)
        for name, tags in nodes(plan).items()
    }


def _s3(region: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 2})
    return boto3.Session(region_name=region).client("s3", config=config)
