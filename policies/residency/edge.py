"""Where Workers run, what Hyperdrive caches, and where the edge's logs go."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pulumi_policy import ResourceValidationArgs, Severity

from components.resource_types import tokens
from policies.residency.regions import CANADIAN_REGIONS
from policies.residency.worker_logs import keeps_calls
from policies.rules.rule import Rule

# The one role that sees public data only (components/host/postgres_database.py), enforced by grants.
PUBLIC_ROLE = "public_read"
OLD_WORKERS = (tokens.WORKERS_SCRIPT, tokens.OLD_WORKER_SCRIPT)
MONTREAL = "aws:ca-central-1"
VERCEL_MONTREAL = "yul1"
LOGPUSH = (
    tokens.LOGPUSH,
    "cloudflare:index/logpushOwnershipChallenge:LogpushOwnershipChallenge",
)
_CANADIAN_LOGS = re.compile(rf"s3://[a-z0-9.-]+(/[^?]*)?\?(?:[^#]*&)?region=({'|'.join(CANADIAN_REGIONS)})(&[^#]*)?")


def _worker_is_placed(args: ResourceValidationArgs) -> Iterator[str]:
    if args.resource_type in OLD_WORKERS:
        yield "This Worker is declared with an old resource, whose placement and bindings no rule looks at."
        return
    placement = args.props.get("placement") or {}
    targets = [placement, *(placement.get("targets") or [])]
    if {target["region"] for target in targets if target.get("region") is not None} != {MONTREAL}:
        yield "This Worker is not placed next to the database in Montreal."
    if placement.get("mode") == "smart" or any(target.get("host") or target.get("hostname") for target in targets):
        yield "This Worker may be moved to wherever Cloudflare finds it fast."


def _cache_is_public(args: ResourceValidationArgs) -> Iterator[str]:
    caching = args.props.get("caching") or {}
    if caching.get("disabled") is not True and args.props["origin"]["user"] != PUBLIC_ROLE:
        yield "This Hyperdrive configuration caches what a role with access to regulated data reads."


def _worker_logs_stay(args: ResourceValidationArgs) -> Iterator[str]:
    watching = args.props.get("observability") or {}
    for part in ("logs", "traces"):
        if (watching.get(part) or {}).get("destinations"):
            yield f"This Worker's {part} go to a destination of OpenTelemetry, and no rule sees where that is."
    if keeps_calls(watching.get("enabled"), watching.get("logs"), watching.get("traces")):
        yield "Cloudflare keeps a log of each call of this Worker, with who called and what, outside Canada."
    for key in ("tailConsumers", "streamingTailConsumers"):
        if args.props.get(key):
            yield "This Worker's logs are handed to another Worker, which may send them anywhere."


def _edge_logs_go_to_canada(args: ResourceValidationArgs) -> Iterator[str]:
    if not _CANADIAN_LOGS.fullmatch(str(args.props["destinationConf"])):
        yield "These logs do not go to a bucket of S3 that says it is in Canada."


def _vercel_is_in_montreal(args: ResourceValidationArgs) -> Iterator[str]:
    named = list(_function_regions(args.props))
    if any(region != VERCEL_MONTREAL for region in named):
        yield "A function of this project runs outside of Montreal."
    if not named and args.resource_type == tokens.VERCEL_PROJECT:
        yield "This project does not say where its functions run, and then they run in Washington."


def _function_regions(values: Mapping[str, Any]) -> Iterator[Any]:
    """The regions that a project names, at its top or in a group of settings."""
    for key in values:
        if key.lower().endswith("regions"):
            yield from values[key] or []
        elif key.lower().endswith("region"):
            yield values[key]
        elif isinstance(values[key], Mapping):
            yield from _function_regions(values[key])


RULES: tuple[Rule, ...] = (
    Rule(
        name="workers-run-next-to-the-database",
        description="Every Worker is placed in Montreal.",
        reason="Without a region a Worker runs in the data centre nearest to the visitor, and smart placement moves it"
        " wherever it is fast (Cloudflare, Workers placement). A Worker beside the database also needs one round trip"
        " less for every query.",
        severity=Severity.HIGH,
        remediation="Declare it as Worker and WorkerVersion, with aws:ca-central-1 as its placement's only region.",
        types=(tokens.WORKER_VERSION, *OLD_WORKERS),
        check=_worker_is_placed,
    ),
    Rule(
        name="hyperdrive-caches-public-data-only",
        description="Only the role that sees public data has a Hyperdrive cache.",
        reason="Hyperdrive caches by default, and Cloudflare does not say where it keeps the rows (Cloudflare,"
        " Hyperdrive query caching).",
        severity=Severity.CRITICAL,
        remediation="Set caching.disabled to true, or connect as the public role.",
        types=(tokens.HYPERDRIVE,),
        check=_cache_is_public,
    ),
    Rule(
        name="worker-logs-are-not-handed-on",
        description="What Workers log and trace is handed to nobody, and Cloudflare keeps no log of each call.",
        reason="Destinations of OpenTelemetry are declared in the dashboard, where no rule sees them (Cloudflare,"
        " Workers observability). Logs may hold what people asked, and the log and the trace of a call hold the"
        " caller's address and URL; Cloudflare keeps them outside Canada.",
        severity=Severity.HIGH,
        remediation="Set invocationLogs to false, leave traces and destinations out, or push the logs to S3 in"
        " ca-central-1 with Logpush.",
        types=(tokens.WORKER,),
        check=_worker_logs_stay,
    ),
    Rule(
        name="edge-logs-go-to-canada",
        description="Logpush writes only to S3 in ca-central-1 or ca-west-1.",
        reason="Logs of requests hold addresses and URLs of people. Cloudflare's Customer Metadata Boundary has no"
        " Canada, but Logpush can write to S3 there (Cloudflare, Logpush destinations).",
        severity=Severity.CRITICAL,
        remediation="Set destinationConf to s3://BUCKET/PATH?region=ca-central-1.",
        types=LOGPUSH,
        check=_edge_logs_go_to_canada,
    ),
    Rule(
        name="functions-run-in-montreal",
        description="Functions of the stand-by at Vercel run in yul1, Montreal.",
        reason="Functions run in iad1, Washington, unless a project names another region (Vercel, regions).",
        severity=Severity.CRITICAL,
        remediation="Set resourceConfig.functionDefaultRegions to yul1 alone.",
        types=(tokens.VERCEL_PROJECT, "vercel:index/deployment:Deployment"),
        check=_vercel_is_in_montreal,
    ),
)
