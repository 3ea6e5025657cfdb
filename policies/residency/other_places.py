"""The program's own components, what is made in the state only, and the stand-by."""

from components.common.labels import DataClass
from policies.residency.place import Place, component, edge, local, worldwide

_COMPONENTS = {
    "hybrid:backup:BackupAlarms": component("Names and figures; no data.", most=DataClass.NONE),
    "hybrid:backup:BackupReplication": component("Copies backups from Montreal to Calgary."),
    "hybrid:backup:BackupRepository": component("Backups, in Montreal and Calgary."),
    "hybrid:edge:ApiWorker": component("Requests pass through."),
    "hybrid:edge:Failover": component("Hosts that fall back, and a token for it; no data.", most=DataClass.NONE),
    "hybrid:edge:FailoverHost": component("A record and routes; no data.", most=DataClass.NONE),
    "hybrid:edge:FailoverPagesHost": component("A host name of public pages.", most=DataClass.PUBLIC),
    "hybrid:edge:HyperdrivePair": component("Rows pass through; only public ones are cached."),
    "hybrid:edge:PagesStaticSite": component("Public pages.", most=DataClass.PUBLIC),
    "hybrid:edge:WebSite": component("Requests pass through."),
    "hybrid:edge:WorkerScript": component("Requests pass through."),
    "hybrid:identity:DeployIdentity": component("Roles; no data.", most=DataClass.NONE),
    "hybrid:identity:HostIdentity": component("Roles; no data.", most=DataClass.NONE),
    "hybrid:identity:PermissionsBoundary": component("A policy; no data.", most=DataClass.NONE),
    "hybrid:network:PrivateTunnel": component("Connections to the database pass through."),
    "hybrid:network:PublicDatabase": component("A record and certificates; connections pass by it."),
    "hybrid:postgres:CertificateAuthority": component("Keys and certificates; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostBundles": component("Code of the host's set-up; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostConvergence": component("Commands for the host; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostParameters": component("Secrets for the host, in Montreal."),
    "hybrid:postgres:HostRecovery": component("Commands for the host; no data.", most=DataClass.NONE),
    "hybrid:postgres:HostRegistration": component("Code that registers the host; no data.", most=DataClass.NONE),
    "hybrid:postgres:PostgresDatabase": component("Names and passwords of roles; what they read is regulated."),
    "hybrid:postgres:PostgresHost": component("The database, on a disk in Montreal."),
    "hybrid:storage:CmsDocuments": component("Documents, in Montreal."),
    "hybrid:storage:EncryptionKey": component("A key of one Canadian region."),
    "hybrid:storage:MediaBucket": component("Public media, in R2.", most=DataClass.PUBLIC),
    "hybrid:storage:PrivateBucket": component("Objects, in a Canadian region."),
}

_STATE = {
    "pulumi:providers:pulumi": local("Reads other stacks' outputs."),
    "pulumi:providers:random": local("Makes values in the program's own process."),
    "pulumi:providers:tls": local("Makes values in the program's own process."),
    "pulumi:pulumi:Stack": component("The stack itself."),
    "pulumi:pulumi:StackReference": local("Another stack's outputs, from its state."),
    "random:index/randomBytes:RandomBytes": local("A made-up value."),
    "random:index/randomId:RandomId": local("A made-up value."),
    "random:index/randomInteger:RandomInteger": local("A made-up value."),
    "random:index/randomPassword:RandomPassword": local("A made-up value, secret in the state."),
    "random:index/randomPet:RandomPet": local("A made-up name."),
    "random:index/randomShuffle:RandomShuffle": local("Given values in another order."),
    "random:index/randomString:RandomString": local("A made-up value."),
    "random:index/randomUuid:RandomUuid": local("A made-up value."),
    "tls:index/certRequest:CertRequest": local("A request that the state keeps."),
    "tls:index/locallySignedCert:LocallySignedCert": local("A certificate that the state keeps."),
    "tls:index/privateKey:PrivateKey": local("A key that the state keeps as a secret."),
    "tls:index/selfSignedCert:SelfSignedCert": local("A certificate that the state keeps."),
}

# The stand-by answers while the edge does not, from Vercel's Montreal region (functions-run-in-montreal).
_STANDBY = {
    "pulumi:providers:vercel": worldwide("Which account; it holds no data."),
    "vercel:index/project:Project": edge("Requests pass through.", most=DataClass.REGULATED, passes=True),
    "vercel:index/projectDomain:ProjectDomain": worldwide("A host name of a project."),
    "vercel:index/projectEnvironmentVariable:ProjectEnvironmentVariable": worldwide("A setting of a project."),
    "vercel:index/deployment:Deployment": edge(
        "Code; requests pass through it.", most=DataClass.REGULATED, passes=True
    ),
}

OTHERS: dict[str, Place] = {**_COMPONENTS, **_STATE, **_STANDBY}
