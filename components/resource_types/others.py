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

OTHERS: dict[str, ResourceType] = {**_COMPONENTS, **_STATE, **_STANDBY}
