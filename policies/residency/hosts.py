"""Hosts of third parties that somebody has judged, with the most delicate data that may go to each."""

from dataclasses import dataclass

from components.common.labels import DataClass


@dataclass(frozen=True, kw_only=True)
class Host:
    """One third party, with all names below it."""

    most: DataClass
    service: str = ""
    """Package of the types that declare it: what is declared in Canada may get regulated data."""
    why: str
    """One sentence: who it is and where it keeps what it gets."""


def _none(why: str) -> Host:
    return Host(most=DataClass.NONE, why=why)


def _public(why: str) -> Host:
    return Host(most=DataClass.PUBLIC, why=why)


def _regulated(why: str) -> Host:
    return Host(most=DataClass.REGULATED, why=why)


_WORDS = "The name of a format, or a page that people read: nothing is sent there."
_LOGS = "Monitoring that keeps what it gets in the United States or the European Union, by its own region list."
_CHAT = "A chat that keeps messages in the United States unless a contract says otherwise."
_DECLARED = "A database as a service whose host names show no region: what the stack declares says where it is."
_DATABASE = "A database as a service without a Canadian region that a host name would show."

HOSTS: dict[str, Host] = {
    "token.actions.githubusercontent.com": _none("GitHub's proof of who deploys; it is asked for keys only."),
    "api.cloudflare.com": _none("Cloudflare's own API, which the provider asks."),
    "api.vercel.com": _none("Vercel's own API, which the provider asks."),
    "cfargotunnel.com": _regulated("The address of a Cloudflare Tunnel, which ends at the database host."),
    # Judged by functions-run-in-montreal: the project runs in yul1.
    "vercel-dns.com": _regulated("The stand-by at Vercel, whose functions run in Montreal."),
    "vercel-dns-0.com": _regulated("The stand-by at Vercel, whose functions run in Montreal."),
    "vercel.app": _regulated("The stand-by at Vercel, whose functions run in Montreal."),
    # Where a zone's own name points, which can't be a CNAME (Vercel, custom domains).
    "76.76.21.21": _regulated("The stand-by at Vercel, whose functions run in Montreal."),
    "r2.cloudflarestorage.com": _public("R2 has no Canadian jurisdiction."),
    "r2.dev": _public("R2 has no Canadian jurisdiction."),
    "workers.dev": _public("Workers that no placement is known of."),
    "pages.dev": _public("Files of public sites."),
    "auth.ca-central-1.amazoncognito.com": _regulated("Pages of a user pool, in Montreal."),
    # Other tenants, and those with a name of their own, keep accounts elsewhere, or nobody sees where.
    "ca.auth0.com": _regulated(
        "A tenant of Auth0's region Canada, which keeps accounts there (Auth0, tenant regions)."
    ),
    "sentry.io": _none("Sentry keeps errors in Iowa or Frankfurt, and an error may quote a person's data."),
    "betterstack.com": _none(_LOGS),
    "betteruptime.com": _none(_LOGS),
    "uptimerobot.com": _none(_LOGS),
    "pingdom.com": _none(_LOGS),
    "statuscake.com": _none(_LOGS),
    "healthchecks.io": _none(_LOGS),
    "hc-ping.com": _none(_LOGS),
    "logtail.com": _none(_LOGS),
    "datadoghq.com": _none(_LOGS),
    "datadoghq.eu": _none(_LOGS),
    "honeycomb.io": _none(_LOGS),
    "newrelic.com": _none(_LOGS),
    "nr-data.net": _none(_LOGS),
    "grafana.net": _none(_LOGS),
    "axiom.co": _none(_LOGS),
    "posthog.com": _none(_LOGS),
    "bugsnag.com": _none(_LOGS),
    "rollbar.com": _none(_LOGS),
    "splunkcloud.com": _none(_LOGS),
    "papertrailapp.com": _none(_LOGS),
    "loggly.com": _none(_LOGS),
    "pagerduty.com": _none(_LOGS),
    "opsgenie.com": _none(_LOGS),
    "segment.io": _none(_LOGS),
    "google-analytics.com": _none(_LOGS),
    "slack.com": _none(_CHAT),
    "discord.com": _none(_CHAT),
    "webhook.office.com": _none(_CHAT),
    "neon.tech": _none(_DATABASE),
    "supabase.co": _none(_DATABASE),
    "supabase.com": _none(_DATABASE),
    "planetscale.com": _none(_DATABASE),
    "psdb.cloud": _none(_DATABASE),
    "mongodb.net": Host(most=DataClass.NONE, why=_DECLARED, service="mongodbatlas"),
    "upstash.io": Host(most=DataClass.NONE, why=_DECLARED, service="upstash"),
    "turso.io": _none(_DATABASE),
    "timescale.com": _none("Where TimescaleDB's telemetry goes."),
    "www.w3.org": _regulated(_WORDS),
    "schema.org": _regulated(_WORDS),
    "json-schema.org": _regulated(_WORDS),
    "spec.openapis.org": _regulated(_WORDS),
    "docs.github.com": _regulated(_WORDS),
    "docs.aws.amazon.com": _regulated(_WORDS),
    "developers.cloudflare.com": _regulated(_WORDS),
}


def judged(host: str) -> Host | None:
    """Who the host belongs to, by its own name or one above it."""
    parts = host.split(".")
    return next((HOSTS[name] for start in range(len(parts)) if (name := ".".join(parts[start:])) in HOSTS), None)
