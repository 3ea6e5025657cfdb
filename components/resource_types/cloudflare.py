"""Cloudflare's types: it is everywhere, so each says what data may go there.

What replaces them is in the provider's schemas (cloudflare/terraform-provider-cloudflare).
"""

from components.common.labels import DataClass
from components.resource_types.row import (
    ALL,
    CLASSIFIED,
    NAMES,
    NOTHING,
    Price,
    ResourceType,
    Shown,
    edge,
    elsewhere,
    holds,
    passes,
    unjudged,
    worldwide,
)

_PUBLIC, _REGULATED = DataClass.PUBLIC, DataClass.REGULATED
_STORE = "It keeps data wherever Cloudflare likes, and no jurisdiction is Canada (Cloudflare, Data Localization)."
_LOGS = "It keeps or sends logs; Cloudflare's Customer Metadata Boundary has no Canada (Cloudflare, Data Localization)."
_KEPT = "Kept in the state as a secret, and where another resource puts it."
_ACCESS = Shown(
    "Access: applications, policies, tokens",
    rule="database-hostname-is-behind-access",
    note="Holds who may pass, nothing of what passes.",
)
_BINDINGS = (
    "bindings.*.?type=secret_text.text",
    "bindings.*.?type=secret_key.keyBase64",
    "bindings.*.?type=secret_key.keyJwk",
)
_SCIM = tuple(f"scimConfig.authentication.{name}" for name in ("password", "token", "clientSecret"))
_APPLICATION = ("saasApp.clientSecret", *_SCIM)

_THROUGH = {
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": edge(
        "Rows pass through; where a cache keeps them Cloudflare does not say, so only public ones may be cached.",
        most=_REGULATED,
        passes=True,
        shown=passes("Hyperdrive, no cache", rule="hyperdrive-caches-public-data-only"),
        replaced_by=NOTHING,
        secret_inputs=(
            "origin.password",
            "origin.accessClientSecret",
        ),
        usd=0,
        hosts=("origin.host",),
    ),
    "cloudflare:index/pagesDomain:PagesDomain": edge("A host name of public pages.", most=_PUBLIC, passes=True, usd=0),
    "cloudflare:index/pagesProject:PagesProject": edge(
        "Files of a public site, in every data centre.",
        most=_PUBLIC,
        shown=holds("Pages project", rule="pages-functions-hold-nothing"),
        replaced_by={"name"},
        secret_inputs=(
            "deploymentConfigs.*.envVars.*.?type=secret_text.value",
            "deploymentConfigs.*.environmentVariables.*.?type=secret_text.value",
        ),
        usd=0,
        may_ignore={
            "buildConfig": "said when it is made; what Cloudflare answers has drifted",
            "deploymentConfigs": "said when it is made; what Cloudflare answers has drifted",
        },
        variables=r"deploymentConfigs\.\w+\.envVars\.",
    ),
    "cloudflare:index/worker:Worker": edge(
        "Requests pass through; its own logs stay seven days at most and hold no bodies.",
        most=_REGULATED,
        passes=True,
        shown=NAMES,
        replaced_by=NOTHING,
        usd=0,
    ),
    "cloudflare:index/workerVersion:WorkerVersion": edge(
        "Code; requests pass through it, in Montreal where it is placed there.",
        most=_REGULATED,
        passes=True,
        shown=passes("Workers", rule="workers-run-next-to-the-database"),
        replaced_by=ALL,
        secret_inputs=_BINDINGS,
        usd=0,
        variables=r"bindings\[\d+\]\.(?:text$|json)",
        code=("modules", "assets"),
    ),
    "cloudflare:index/workersDeployment:WorkersDeployment": edge(
        "Which version answers; it holds names.",
        most=_REGULATED,
        passes=True,
        shown=NAMES,
        # A deployment is a fact of the past: the provider's Update does nothing.
        replaced_by=ALL,
        usd=0,
    ),
    "cloudflare:index/workersRoute:WorkersRoute": edge(
        "Which Worker answers.", most=_REGULATED, passes=True, shown=NAMES, replaced_by=NOTHING, usd=0
    ),
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": edge(
        "Which Worker answers.", most=_REGULATED, passes=True, usd=0
    ),
    "cloudflare:index/workerDomain:WorkerDomain": edge(
        "The same, by its older name.", most=_REGULATED, passes=True, usd=0
    ),
    "cloudflare:index/workersCronTrigger:WorkersCronTrigger": edge("At which times a Worker runs.", usd=0),
    "cloudflare:index/workersScript:WorkersScript": edge(
        "An old resource; workers-run-next-to-the-database refuses it.",
        most=_REGULATED,
        passes=True,
        secret_inputs=_BINDINGS,
        usd=0,
    ),
    "cloudflare:index/workerScript:WorkerScript": edge(
        "An old resource; workers-run-next-to-the-database refuses it.",
        most=_REGULATED,
        passes=True,
        secret_inputs=_BINDINGS,
        usd=0,
    ),
    "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain": edge(
        "A switch of a Worker's second address.", usd=0
    ),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": edge(
        "Connections to the database pass through, encrypted by the tunnel.",
        most=_REGULATED,
        passes=True,
        shown=passes("Tunnel", rule="database-hostname-is-behind-access"),
        replaced_by={"configSrc"},
        usd=0,
    ),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": edge(
        "Which host name leads to which port.",
        most=_REGULATED,
        passes=True,
        shown=NAMES,
        replaced_by={"tunnelId"},
        usd=0,
    ),
    "cloudflare:index/regionalHostname:RegionalHostname": edge(
        "Where TLS ends for a host name.", most=_REGULATED, passes=True
    ),
    # The base price; second-hand: the contract decides (Cloudflare, Load Balancing).
    "cloudflare:index/loadBalancer:LoadBalancer": edge("Which origin answers.", most=_REGULATED, passes=True, usd=5.0),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": edge(
        "Addresses of origins.", most=_REGULATED, passes=True, usd=0, hosts=("origins.0.address",)
    ),
    "cloudflare:index/connectivityDirectoryService:ConnectivityDirectoryService": edge(
        "An address behind a tunnel.",
        most=_REGULATED,
        passes=True,
        usd=0,
        hosts=("host.hostname", "host.ipv4", "host.ipv6", "host.resolverNetwork.resolverIps.0"),
    ),
}

_SETTINGS = {
    "cloudflare:index/dnsRecord:DnsRecord": worldwide(
        "DNS answers everyone; names and addresses are public.",
        shown=NAMES,
        replaced_by={"type"},
        usd=0,
        is_dns_record=True,
        hosts=("content", "value", "data.target", "data.value", "data.replacement"),
    ),
    "cloudflare:index/record:Record": worldwide(
        "DNS answers everyone; names and addresses are public.",
        usd=0,
        is_dns_record=True,
        hosts=("content", "value", "data.target", "data.value", "data.replacement"),
    ),
    "cloudflare:index/zone:Zone": worldwide("A domain's name."),
    # Advanced Certificate Manager is the zone's: policies/safety/cost.py counts it once.
    "cloudflare:index/certificatePack:CertificatePack": edge(
        "Certificates of the zone's host names, whose keys Cloudflare keeps.", usd=0
    ),
    "cloudflare:index/totalTls:TotalTls": edge(
        "A switch of the zone: a certificate for each proxied host name.", usd=0
    ),
    "cloudflare:index/zoneDnssec:ZoneDnssec": worldwide("A switch of a zone; its keys are public.", usd=0),
    "cloudflare:index/zoneSetting:ZoneSetting": worldwide("A switch of a zone.", usd=0),
    "cloudflare:index/ruleset:Ruleset": worldwide(
        "Conditions on requests; no contents.",
        usd=0,
        hosts=(
            "rules.0.actionParameters.hostHeader",
            "rules.0.actionParameters.origin.host",
            "rules.0.actionParameters.sni.value",
        ),
    ),
    # What the zone's first one costs, the plan that has them, policies/safety/cost.py adds; and so of Workers.
    "cloudflare:index/healthcheck:Healthcheck": worldwide(
        "An address that is asked from data centres everywhere.",
        shown=NAMES,
        replaced_by=NOTHING,
        usd=0,
        hosts=("address",),
    ),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": worldwide("A question that origins are asked.", usd=0),
    "cloudflare:index/mtlsCertificate:MtlsCertificate": worldwide(
        "A certificate, and the key that proves it is ours.",
        shown=Shown("certificates for Hyperdrive", rule=CLASSIFIED),
        # As a whole, so that Hyperdrive goes from one to the next.
        replaced_by=ALL,
        usd=0,
    ),
    "cloudflare:index/turnstileWidget:TurnstileWidget": worldwide("A name of a form's check.", usd=0),
    "cloudflare:index/accountToken:AccountToken": worldwide(
        "A key to the account; no data of ours is in it.",
        shown=Shown("API token of the rollback", rule=CLASSIFIED, note=_KEPT),
        replaced_by=NOTHING,
        usd=0,
    ),
    "cloudflare:index/apiToken:ApiToken": worldwide("A key to the account; no data of ours is in it.", usd=0),
    "cloudflare:index/notificationPolicy:NotificationPolicy": worldwide(
        "Of what people are told, by which address.",
        shown=Shown("notifications", rule=CLASSIFIED),
        replaced_by=NOTHING,
        usd=0,
    ),
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks": worldwide(
        "An address that is told of Cloudflare's own events; its host is judged by destinations-are-judged.", usd=0
    ),
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": worldwide(
        "Which host name is guarded.", shown=_ACCESS, replaced_by=NOTHING, secret_inputs=_APPLICATION, usd=0
    ),
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": worldwide(
        "Who is let in.", shown=_ACCESS, replaced_by=NOTHING, usd=0
    ),
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": worldwide(
        "A key to a guarded name.", shown=_ACCESS, replaced_by=NOTHING, usd=0
    ),
    "cloudflare:index/zeroTrustAccessGroup:ZeroTrustAccessGroup": worldwide(
        "A name for several who are let in.", usd=0
    ),
    "cloudflare:index/secretsStore:SecretsStore": worldwide("A name for several secrets.", usd=0),
    "cloudflare:index/secretsStoreSecret:SecretsStoreSecret": worldwide(
        "A secret, encrypted; no data of ours is in it.", usd=0
    ),
}

# Judged by edge-stores-hold-public-data-only, and R2's buckets by r2-holds-public-data-only.
_STORES = {
    "cloudflare:index/r2Bucket:R2Bucket": edge(
        "R2 has no Canadian jurisdiction, and a location hint is best effort (Cloudflare, R2 data location).",
        most=_PUBLIC,
        shown=holds("R2 bucket", rule="r2-holds-public-data-only"),
        replaced_by={"location", "name"},
        usd=0,
        lost="a bucket",
    ),
    "cloudflare:index/r2BucketCors:R2BucketCors": edge(
        "A setting of a bucket.", most=_PUBLIC, shown=NAMES, replaced_by={"bucketName"}, usd=0
    ),
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle": edge(
        "A setting of a bucket.", most=_PUBLIC, shown=NAMES, replaced_by={"bucketName"}, usd=0
    ),
    "cloudflare:index/r2BucketLock:R2BucketLock": edge("A setting of a bucket.", most=_PUBLIC, usd=0),
    "cloudflare:index/r2CustomDomain:R2CustomDomain": edge(
        "A host name of a bucket.", most=_PUBLIC, passes=True, shown=NAMES, usd=0
    ),
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain": edge(
        "The r2.dev name of a bucket.", most=_PUBLIC, passes=True, shown=NAMES, usd=0
    ),
    "cloudflare:index/r2BucketEventNotification:R2BucketEventNotification": edge(
        "Names of objects, handed to a queue.", most=_PUBLIC, usd=0
    ),
    "cloudflare:index/d1Database:D1Database": edge(_STORE, most=_PUBLIC, usd=0),
    "cloudflare:index/queue:Queue": edge(_STORE, most=_PUBLIC, usd=0),
    "cloudflare:index/queueConsumer:QueueConsumer": edge("Who reads a queue.", most=_PUBLIC, passes=True, usd=0),
    "cloudflare:index/workersKv:WorkersKv": edge(_STORE, most=_PUBLIC, usd=0),
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": edge(_STORE, most=_PUBLIC, usd=0),
    "cloudflare:index/workflow:Workflow": edge(_STORE, most=_PUBLIC, usd=0),
    "cloudflare:index/stream:Stream": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/image:Image": edge(_STORE, most=_PUBLIC),
}

_AWAY = {
    "cloudflare:index/logpushJob:LogpushJob": edge(
        "Log lines pass through; where to is judged by edge-logs-go-to-canada.",
        most=_REGULATED,
        passes=True,
        usd=Price.COMPUTED,
    ),
    "cloudflare:index/logpushOwnershipChallenge:LogpushOwnershipChallenge": edge(
        "Proof of a Logpush job's destination; where to is judged by edge-logs-go-to-canada.", usd=0
    ),
    "cloudflare:index/logpullRetention:LogpullRetention": elsewhere(_LOGS),
    "cloudflare:index/r2BucketSippy:R2BucketSippy": elsewhere(
        "It copies another cloud's bucket to R2, bit by bit.",
        secret_inputs=(
            "destination.secretAccessKey",
            "source.secretAccessKey",
            "source.privateKey",
        ),
        usd=0,
    ),
    "cloudflare:index/r2DataCatalog:R2DataCatalog": elsewhere("Tables of data in R2, which has no Canada."),
    "cloudflare:index/pipeline:Pipeline": elsewhere("Records that Workers send are kept in R2, which has no Canada."),
    "cloudflare:index/pipelineSink:PipelineSink": elsewhere("Records go to R2, which has no Canada."),
    "cloudflare:index/pipelineStream:PipelineStream": elsewhere("Records are kept wherever Cloudflare likes."),
    "cloudflare:index/aiGateway:AiGateway": elsewhere("It keeps what models are asked, and asks models anywhere."),
    "cloudflare:index/zoneCacheReserve:ZoneCacheReserve": elsewhere("It keeps answers of the site in R2 for a month."),
    "cloudflare:index/zeroTrustGatewayLogging:ZeroTrustGatewayLogging": elsewhere(_LOGS),
    "cloudflare:index/emailRoutingRule:EmailRoutingRule": elsewhere("It hands letters on to mailboxes anywhere."),
    "cloudflare:index/workersForPlatformsDispatchNamespace:WorkersForPlatformsDispatchNamespace": elsewhere(
        "Workers of others answer, and no rule looks at their placement."
    ),
}

_UNJUDGED = {
    "cloudflare:index/accessApplication:AccessApplication": unjudged(secret_inputs=_APPLICATION),
    "cloudflare:index/accessIdentityProvider:AccessIdentityProvider": unjudged(secret_inputs=("config.clientSecret",)),
    "cloudflare:index/workerSecret:WorkerSecret": unjudged(secret_inputs=("secretText",), usd=0),
    "cloudflare:index/workersSecret:WorkersSecret": unjudged(secret_inputs=("secretText",), usd=0),
    "cloudflare:index/zeroTrustAccessIdentityProvider:ZeroTrustAccessIdentityProvider": unjudged(
        secret_inputs=("config.clientSecret",), usd=0
    ),
}

CLOUDFLARE: dict[str, ResourceType] = {
    "pulumi:providers:cloudflare": worldwide(
        "Which account; it holds no data.", shown=NAMES, replaced_by=NOTHING, usd=0
    ),
    **_THROUGH,
    **_SETTINGS,
    **_STORES,
    **_AWAY,
    **_UNJUDGED,
}
