"""Where the database host sends its backups, and that it sends no telemetry."""

import base64
import binascii
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity

from components.resource_types import tokens
from policies.residency.regions import CANADIAN_REGIONS
from policies.rules.rule import Rule

# Of the type, with its parents, as a URN has it.
BUNDLE = "hybrid:postgres:HostBundles$aws:s3/bucketObjectv2:BucketObjectv2"
CONFIGURATION = "postgresql.conf.j2"
_TELEMETRY = re.compile(r"^\s*timescaledb\.telemetry_level\s*=\s*'?(\w+)", re.MULTILINE)


def _backups_go_to_canada(args: ResourceValidationArgs) -> Iterator[str]:
    # By its keys, not by the model, which refuses a value that is unknown until deployment; here it is a violation.
    specification = args.props.get("specification") or {}
    backup = specification.get("backup") or {}
    if not backup:
        yield "This host does not say where its backups go."
        return
    for name, repository in (("backups", backup), ("copies of backups", backup.get("copy"))):
        if repository and not _is_canadian(repository):
            yield f"This host's {name} go to an endpoint that is not S3's in Canada."


def _is_canadian(repository: Mapping[str, Any]) -> bool:
    region = repository.get("region")
    return region in CANADIAN_REGIONS and repository.get("endpoint") in (
        f"s3.{region}.amazonaws.com",
        f"s3.dualstack.{region}.amazonaws.com",
    )


def _telemetry_is_off(args: ResourceValidationArgs) -> Iterator[str]:
    if f"{BUNDLE}::" not in args.urn:
        return
    try:
        levels = _TELEMETRY.findall(_configuration(args.props.get("contentBase64") or ""))
    except (binascii.Error, tarfile.TarError, OSError, EOFError, UnicodeDecodeError):
        yield "This bundle can't be read, so nobody can say what the database is told."
        return
    if not levels or {level.lower() for level in levels} != {"off"}:
        yield "The database's configuration in this bundle does not switch TimescaleDB's telemetry off."


def _configuration(bundle: str) -> str:
    """PostgreSQL's configuration in a bundle, as the template it is; empty where there is none."""
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(bundle, validate=True))) as archive:
        files = [archive.extractfile(member) for member in archive if member.name.endswith(f"/{CONFIGURATION}")]
        return "\n".join(file.read().decode() for file in files if file is not None)


RULES: tuple[Rule, ...] = (
    Rule(
        name="backups-go-to-canada",
        description="Every database host sends backups, and their copies, to S3's own endpoint in a Canadian region.",
        reason="pgBackRest writes to whatever endpoint it is given, and signs for whatever region (pgBackRest,"
        " repo-s3-endpoint). Backups hold everything that the database does.",
        severity=Severity.CRITICAL,
        remediation="Set the repository's region to ca-central-1 or ca-west-1, and its endpoint to that region's.",
        types=(tokens.POSTGRES_HOST,),
        check=_backups_go_to_canada,
    ),
    Rule(
        name="database-sends-no-telemetry",
        description="The configuration in every host's bundle switches TimescaleDB's telemetry off.",
        reason="TimescaleDB reports names of extensions, sizes and counts to its makers in the United States once a day"
        " unless it is told not to (TimescaleDB, telemetry).",
        severity=Severity.HIGH,
        remediation="Set timescaledb.telemetry_level to off in host/templates/postgresql.conf.j2.",
        types=(tokens.BUCKET_OBJECT,),
        check=_telemetry_is_off,
    ),
)
