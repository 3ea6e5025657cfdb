"""Cloudflare's types: it is everywhere, so each says what data may go there."""

from components.common.labels import DataClass
from policies.residency.place import Place, edge, elsewhere, worldwide

_PUBLIC, _REGULATED = DataClass.PUBLIC, DataClass.REGULATED
_STORE = "It keeps data wherever Cloudflare likes, and no jurisdiction is Canada (Cloudflare, Data Localization)."
_LOGS = "It keeps or sends logs; Cloudflare's Customer Metadata Boundary has no Canada (Cloudflare, Data Localization)."

_THROUGH = {
    "cloudflare:index/hyperdriveConfig:HyperdriveConfig": edge(
        "Rows pass through; where a cache keeps them Cloudflare does not say, so only public ones may be cached.",
        most=_REGULATED,
        passes=True,
    ),
    "cloudflare:index/pagesDomain:PagesDomain": edge("A host name of public pages.", most=_PUBLIC, passes=True),
    "cloudflare:index/pagesProject:PagesProject": edge("Files of a public site, in every data centre.", most=_PUBLIC),
    "cloudflare:index/worker:Worker": edge(
        "Requests pass through; its own logs stay seven days at most and hold no bodies.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/workerVersion:WorkerVersion": edge(
        "Code; requests pass through it, in Montreal where it is placed there.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/workersDeployment:WorkersDeployment": edge(
        "Which version answers; it holds names.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/workersRoute:WorkersRoute": edge("Which Worker answers.", most=_REGULATED, passes=True),
    "cloudflare:index/workersCustomDomain:WorkersCustomDomain": edge(
        "Which Worker answers.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/workerDomain:WorkerDomain": edge("The same, by its older name.", most=_REGULATED, passes=True),
    "cloudflare:index/workersCronTrigger:WorkersCronTrigger": edge("At which times a Worker runs."),
    "cloudflare:index/workersScript:WorkersScript": edge(
        "An old resource; workers-run-next-to-the-database refuses it.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/workerScript:WorkerScript": edge(
        "An old resource; workers-run-next-to-the-database refuses it.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain": edge("A switch of a Worker's second address."),
    "cloudflare:index/zeroTrustTunnelCloudflared:ZeroTrustTunnelCloudflared": edge(
        "Connections to the database pass through, encrypted by the tunnel.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/zeroTrustTunnelCloudflaredConfig:ZeroTrustTunnelCloudflaredConfig": edge(
        "Which host name leads to which port.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/regionalHostname:RegionalHostname": edge(
        "Where TLS ends for a host name.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/loadBalancer:LoadBalancer": edge("Which origin answers.", most=_REGULATED, passes=True),
    "cloudflare:index/loadBalancerPool:LoadBalancerPool": edge("Addresses of origins.", most=_REGULATED, passes=True),
    "cloudflare:index/connectivityDirectoryService:ConnectivityDirectoryService": edge(
        "An address behind a tunnel.", most=_REGULATED, passes=True
    ),
}

_SETTINGS = {
    "cloudflare:index/dnsRecord:DnsRecord": worldwide("DNS answers everyone; names and addresses are public."),
    "cloudflare:index/record:Record": worldwide("DNS answers everyone; names and addresses are public."),
    "cloudflare:index/zone:Zone": worldwide("A domain's name."),
    "cloudflare:index/zoneDnssec:ZoneDnssec": worldwide("A switch of a zone; its keys are public."),
    "cloudflare:index/zoneSetting:ZoneSetting": worldwide("A switch of a zone."),
    "cloudflare:index/ruleset:Ruleset": worldwide("Conditions on requests; no contents."),
    "cloudflare:index/healthcheck:Healthcheck": worldwide("An address that is asked from data centres everywhere."),
    "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor": worldwide("A question that origins are asked."),
    "cloudflare:index/mtlsCertificate:MtlsCertificate": worldwide("A certificate, and the key that proves it is ours."),
    "cloudflare:index/turnstileWidget:TurnstileWidget": worldwide("A name of a form's check."),
    "cloudflare:index/accountToken:AccountToken": worldwide("A key to the account; no data of ours is in it."),
    "cloudflare:index/apiToken:ApiToken": worldwide("A key to the account; no data of ours is in it."),
    "cloudflare:index/notificationPolicy:NotificationPolicy": worldwide("Of what people are told, by which address."),
    "cloudflare:index/notificationPolicyWebhooks:NotificationPolicyWebhooks": worldwide(
        "An address that is told of Cloudflare's own events; its host is judged by destinations-are-judged."
    ),
    "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication": worldwide("Which host name is guarded."),
    "cloudflare:index/zeroTrustAccessPolicy:ZeroTrustAccessPolicy": worldwide("Who is let in."),
    "cloudflare:index/zeroTrustAccessServiceToken:ZeroTrustAccessServiceToken": worldwide("A key to a guarded name."),
    "cloudflare:index/zeroTrustAccessGroup:ZeroTrustAccessGroup": worldwide("A name for several who are let in."),
    "cloudflare:index/secretsStore:SecretsStore": worldwide("A name for several secrets."),
    "cloudflare:index/secretsStoreSecret:SecretsStoreSecret": worldwide(
        "A secret, encrypted; no data of ours is in it."
    ),
}

# Judged by edge-stores-hold-public-data-only, and R2's buckets by r2-holds-public-data-only.
_STORES = {
    "cloudflare:index/r2Bucket:R2Bucket": edge(
        "R2 has no Canadian jurisdiction, and a location hint is best effort (Cloudflare, R2 data location).",
        most=_PUBLIC,
    ),
    "cloudflare:index/r2BucketCors:R2BucketCors": edge("A setting of a bucket.", most=_PUBLIC),
    "cloudflare:index/r2BucketLifecycle:R2BucketLifecycle": edge("A setting of a bucket.", most=_PUBLIC),
    "cloudflare:index/r2BucketLock:R2BucketLock": edge("A setting of a bucket.", most=_PUBLIC),
    "cloudflare:index/r2CustomDomain:R2CustomDomain": edge("A host name of a bucket.", most=_PUBLIC, passes=True),
    "cloudflare:index/r2ManagedDomain:R2ManagedDomain": edge("The r2.dev name of a bucket.", most=_PUBLIC, passes=True),
    "cloudflare:index/r2BucketEventNotification:R2BucketEventNotification": edge(
        "Names of objects, handed to a queue.", most=_PUBLIC
    ),
    "cloudflare:index/d1Database:D1Database": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/queue:Queue": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/queueConsumer:QueueConsumer": edge("Who reads a queue.", most=_PUBLIC, passes=True),
    "cloudflare:index/workersKv:WorkersKv": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/workersKvNamespace:WorkersKvNamespace": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/workflow:Workflow": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/stream:Stream": edge(_STORE, most=_PUBLIC),
    "cloudflare:index/image:Image": edge(_STORE, most=_PUBLIC),
}

_AWAY = {
    "cloudflare:index/logpushJob:LogpushJob": edge(
        "Log lines pass through; where to is judged by edge-logs-go-to-canada.", most=_REGULATED, passes=True
    ),
    "cloudflare:index/logpushOwnershipChallenge:LogpushOwnershipChallenge": edge(
        "Proof of a Logpush job's destination; where to is judged by edge-logs-go-to-canada."
    ),
    "cloudflare:index/logpullRetention:LogpullRetention": elsewhere(_LOGS),
    "cloudflare:index/r2BucketSippy:R2BucketSippy": elsewhere("It copies another cloud's bucket to R2, bit by bit."),
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

CLOUDFLARE: dict[str, Place] = {
    "pulumi:providers:cloudflare": worldwide("Which account; it holds no data."),
    **_THROUGH,
    **_SETTINGS,
    **_STORES,
    **_AWAY,
}
