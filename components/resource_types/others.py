"""The program's own components, what is made in the state only, and the stand-by."""

from components.common.labels import DataClass
from components.resource_types.row import (
    ALL,
    CLASSIFIED,
    NOTHING,
    SETTINGS,
    Layer,
    ResourceType,
    component,
    edge,
    holds,
    local,
    regional,
    unjudged,
    worldwide,
)

_KEPT = "Kept in the state as a secret, and where another resource puts it."

_COMPONENTS = {
    "hybrid:backup:BackupAlarms": component("Names and figures; no data.", most=DataClass.NONE),
    "hybrid:backup:BackupReplication": component("Copies backups from Montreal to Calgary."),
    "hybrid:backup:BackupRepository": component("Backups, in Montreal and Calgary."),
    "hybrid:edge:ApiWorker": component("Requests pass through."),
    "hybrid:edge:Failover": component(
        "Hosts that fall back, and a token for it; no data.", most=DataClass.NONE, layer=Layer.FAILOVER
    ),
    "hybrid:edge:FailoverHost": component("A record and routes; no data.", most=DataClass.NONE, layer=Layer.FAILOVER),
    "hybrid:edge:FailoverPagesHost": component(
        "A host name of public pages.", most=DataClass.PUBLIC, layer=Layer.FAILOVER
    ),
    "hybrid:edge:HyperdrivePair": component("Rows pass through; only public ones are cached.", layer=Layer.ROUTE),
    "hybrid:edge:PagesStaticSite": component("Public pages.", most=DataClass.PUBLIC),
    "hybrid:edge:WebSite": component("Requests pass through."),
    "hybrid:edge:WorkerScript": component("Requests pass through."),
    "hybrid:identity:DeployIdentity": component("Roles; no data.", most=DataClass.NONE),
    "hybrid:identity:HostIdentity": component("Roles; no data.", most=DataClass.NONE),
    "hybrid:identity:Identity": component(
        "People's accounts, in Montreal, or at a tenant in Canada.", most=DataClass.PERSONAL
    ),
    "hybrid:identity:PermissionsBoundary": component("A policy; no data.", most=DataClass.NONE),
    "hybrid:network:PrivateTunnel": component("Connections to the database pass through."),
    "hybrid:network:PublicDatabase": component("A record and certificates; connections pass by it."),
    "hybrid:postgres:CertificateAuthority": component(
        "Keys and certificates; no data.", most=DataClass.NONE, layer=Layer.ROUTE
    ),
    "hybrid:postgres:HostBundles": component("Code of the host's set-up; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostConvergence": component("Commands for the host; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostParameters": component("Secrets for the host, in Montreal."),
    "hybrid:postgres:HostRecovery": component("Commands for the host; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostRegistration": component("Code that registers the host; no data.", most=DataClass.NONE),
    "hybrid:postgres:PostgresDatabase": component("Names and passwords of roles; what they read is regulated."),
    "hybrid:postgres:PostgresHost": component("The database, on a disk in Montreal."),
    "hybrid:storage:CmsDocuments": component("Documents, in Montreal."),
    "hybrid:storage:EncryptionKey": component("A key of one Canadian region."),
    "hybrid:storage:MediaBucket": component("Public media, in R2.", most=DataClass.PUBLIC, layer=Layer.EDGE),
    "hybrid:storage:PrivateBucket": component("Objects, in a Canadian region."),
}

_STATE = {
    "pulumi:providers:pulumi": local("Reads other stacks' outputs."),
    "pulumi:providers:random": local("Makes values in the program's own process."),
    "pulumi:providers:tls": local("Makes values in the program's own process.", replaced_by=NOTHING),
    "pulumi:pulumi:Stack": component("The stack itself."),
    "pulumi:pulumi:StackReference": local("Another stack's outputs, from its state."),
    "random:index/randomBytes:RandomBytes": local("A made-up value."),
    "random:index/randomId:RandomId": local("A made-up value.", shown=SETTINGS),
    "random:index/randomInteger:RandomInteger": local("A made-up value."),
    "random:index/randomPassword:RandomPassword": local(
        "A made-up value, secret in the state.",
        shown=holds("generated passwords", rule=CLASSIFIED, note=_KEPT),
        replaced_by=ALL,
        lost="a password that something out there knows",
    ),
    "random:index/randomPet:RandomPet": local("A made-up name."),
    "random:index/randomShuffle:RandomShuffle": local("Given values in another order."),
    "random:index/randomString:RandomString": local("A made-up value."),
    "random:index/randomUuid:RandomUuid": local("A made-up value."),
    "tls:index/certRequest:CertRequest": local("A request that the state keeps.", shown=SETTINGS, replaced_by=ALL),
    "tls:index/locallySignedCert:LocallySignedCert": local(
        "A certificate that the state keeps.",
        shown=SETTINGS,
        # All but the hours of early renewal (hashicorp/terraform-provider-tls).
        replaced_by={
            "allowedUses",
            "caCertPem",
            "caPrivateKeyPem",
            "certRequestPem",
            "isCaCertificate",
            "setSubjectKeyId",
            "validityPeriodHours",
        },
    ),
    "tls:index/privateKey:PrivateKey": local(
        "A key that the state keeps as a secret.",
        shown=holds("private keys", rule=CLASSIFIED, note=_KEPT),
        replaced_by=ALL,
    ),
    "tls:index/selfSignedCert:SelfSignedCert": local(
        "A certificate that the state keeps.",
        shown=SETTINGS,
        replaced_by={
            "allowedUses",
            "isCaCertificate",
            "privateKeyPem",
            "setAuthorityKeyId",
            "setSubjectKeyId",
            "subject",
            "validityPeriodHours",
        },
        lost="the authority that clients trust",
    ),
}

# The stand-by answers while the edge does not, from Vercel's Montreal region (functions-run-in-montreal).
_STANDBY = {
    "pulumi:providers:vercel": worldwide("Which account; it holds no data.", secret_inputs=("apiToken",), usd=0),
    "vercel:index/project:Project": edge(
        "Requests pass through.",
        most=DataClass.REGULATED,
        passes=True,
        secret_inputs=("environments.*.value",),
        usd=0,
        variables=r"environments?\[\d+\]\.value$",
    ),
    "vercel:index/projectDomain:ProjectDomain": worldwide("A host name of a project.", usd=0, hosts=("redirect",)),
    "vercel:index/projectEnvironmentVariable:ProjectEnvironmentVariable": worldwide(
        "A setting of a project.", secret_inputs=("value",), usd=0, variables="value$"
    ),
    "vercel:index/deployment:Deployment": edge(
        "Code; requests pass through it.", most=DataClass.REGULATED, passes=True, usd=0
    ),
    "vercel:index/sharedEnvironmentVariable:SharedEnvironmentVariable": unjudged(secret_inputs=("value",)),
}

# Services that keep data in the region that a property names (managed-services-are-in-canada).
_TENANTS = "Settings and accounts of the provider's tenant."
_MONTREAL = "ca-central-1"
_SERVICES = {
    "pulumi:providers:mongodbatlas": worldwide("Which organisation.", secret_inputs=("privateKey",), usd=0),
    "mongodbatlas:index/advancedCluster:AdvancedCluster": regional(
        "Documents, in the regions of its replication (MongoDB Atlas, AWS regions).",
        canadian={"replicationSpecs.0.regionConfigs.0.regionName": ("CA_CENTRAL_1", "CA_WEST_1")},
        shown=holds("Atlas clusters", rule="managed-services-are-in-canada"),
        lost="its documents",
    ),
    "mongodbatlas:index/cluster:Cluster": regional(
        "The older type of the same.",
        canadian={
            "providerRegionName": ("CA_CENTRAL_1", "CA_WEST_1"),
            "replicationSpecs.0.regionsConfigs.0.regionName": ("CA_CENTRAL_1", "CA_WEST_1"),
        },
        shown=holds("Atlas clusters", rule="managed-services-are-in-canada"),
        lost="its documents",
    ),
    "pulumi:providers:upstash": worldwide("Which account.", secret_inputs=("apiKey",), usd=0),
    "upstash:index/redisDatabase:RedisDatabase": regional(
        "Keys and values, in its region or, of a global one, its primary and read regions (Upstash, Regions).",
        canadian={"region": (_MONTREAL, "global"), "primaryRegion": (_MONTREAL,), "readRegions.0": (_MONTREAL,)},
        shown=holds("Upstash databases", rule="managed-services-are-in-canada"),
        lost="its keys and values",
        usd=0,
    ),
    "pulumi:providers:auth0": worldwide(
        "Which tenant: those of Canada have its code in their name (Auth0, Tenant regions).",
        canadian={"domain": ("*.ca.auth0.com",)},
        secret_inputs=("clientSecret", "apiToken"),
        usd=0,
    ),
    "auth0:index/client:Client": regional(_TENANTS, most=DataClass.PERSONAL, usd=0),
    "auth0:index/clientGrant:ClientGrant": regional(_TENANTS, most=DataClass.PERSONAL, usd=0),
    "auth0:index/connection:Connection": regional(_TENANTS, most=DataClass.PERSONAL, usd=0),
    "auth0:index/resourceServer:ResourceServer": regional(_TENANTS, most=DataClass.PERSONAL, usd=0),
    "auth0:index/role:Role": regional(_TENANTS, most=DataClass.PERSONAL, usd=0),
}

OTHERS: dict[str, ResourceType] = {**_COMPONENTS, **_STATE, **_STANDBY, **_SERVICES}
