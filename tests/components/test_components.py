"""Every component declares the resources that it exists for, below itself."""

import pytest

from components.access.deploy_identity import DeployIdentity
from components.access.identity import Identity
from components.access.permissions_boundary import PermissionsBoundary
from components.backup.replication import BackupReplication
from components.backup.repository import BackupRepository
from components.edge.api_worker import ApiWorker
from components.edge.failover import Failover
from components.edge.failover_host import FailoverHost
from components.edge.hyperdrive_pair import HyperdrivePair
from components.edge.pages_static_site import PagesStaticSite
from components.edge.web_site import WebSite
from components.edge.worker_script import WorkerScript
from components.host.backup_alarms import BackupAlarms
from components.host.bundle import HostBundles
from components.host.convergence import HostConvergence
from components.host.identity import HostIdentity
from components.host.parameters import HostParameters
from components.host.postgres_database import WITH_PASSWORD, PostgresDatabase
from components.host.postgres_host import PostgresHost
from components.host.recovery import HostRecovery
from components.host.registration import HostRegistration
from components.network.certificate_authority import CertificateAuthority
from components.network.private_tunnel import PrivateTunnel
from components.network.public_database import PublicDatabase
from components.storage.cms_documents import CmsDocuments
from components.storage.encryption_key import EncryptionKey
from components.storage.media_bucket import MediaBucket
from components.storage.private_bucket import PrivateBucket
from plan.model import Plan
from tests.components.declared import declared

WORKER = {"Worker": 1, "WorkerVersion": 1, "WorkersDeployment": 1}
BUCKET = {
    "Bucket": 1,
    "BucketVersioning": 1,
    "BucketLifecycleConfiguration": 1,
    "BucketServerSideEncryptionConfiguration": 1,
    "BucketOwnershipControls": 1,
    "BucketPublicAccessBlock": 1,
    "BucketPolicy": 1,
}
LOCKED_BUCKET = {**BUCKET, "BucketObjectLockConfiguration": 1}
KEY = {"Key": 1, "Alias": 1}
REPLICATION = {"Role": 1, "RolePolicy": 1, "BucketReplicationConfig": 1}
DECLARED: list[tuple[type, str, dict[str, int]]] = [
    (PostgresDatabase, "database", {"RandomPassword": len(WITH_PASSWORD)}),
    (
        PostgresHost,
        "postgres-a",
        {
            "Activation": 1,
            "KeyPair": 1,
            "Instance": 1,
            "Disk": 1,
            "Disk_attachment": 1,
            "StaticIp": 1,
            "StaticIpAttachment": 1,
            "InstancePublicPorts": 1,
        },
    ),
    (PrivateBucket, "documents", BUCKET),
    (PrivateBucket, "backups", LOCKED_BUCKET),
    (PrivateBucket, "backups-copy", LOCKED_BUCKET),
    (EncryptionKey, "backups-copy", KEY),
    (BackupReplication, "backups-replication", REPLICATION),
    (PermissionsBoundary, "boundary", {"Policy": 1}),
    (
        BackupRepository,
        "backups",
        {**dict.fromkeys({**LOCKED_BUCKET, **KEY}, 2), **REPLICATION, "RandomPassword": 1},
    ),
    (BackupAlarms, "alarms", {**KEY, "Topic": 1, "TopicSubscription": 1, "MetricAlarm": 4}),
    (HostIdentity, "identity", {"Role": 1, "RolePolicy": 4}),
    (HostRegistration, "postgres-a", {"Activation": 1}),
    # Five passwords, passphrase, tunnel's token, three for TLS; two for operators.
    (HostParameters, "parameters", {"Parameter": 12}),
    (HostBundles, "bundles", {**BUCKET, "BucketObjectv2": 1}),
    (HostConvergence, "convergence", {"Document": 1, "Association": 1}),
    (HostRecovery, "recovery", {"Document": 2}),
    (CmsDocuments, "documents", {**BUCKET, "User": 1, "UserPolicy": 1}),
    (MediaBucket, "media-media", {"R2Bucket": 1, "R2BucketCors": 1, "R2BucketLifecycle": 1}),
    (
        PrivateTunnel,
        "tunnel",
        {
            "RandomPassword": 1,
            "ZeroTrustTunnelCloudflared": 1,
            "ZeroTrustTunnelCloudflaredConfig": 1,
            # The database's, and the pooler's.
            "DnsRecord": 2,
            "ZeroTrustAccessApplication": 2,
            # Hyperdrive's, the operators', and the API's.
            "ZeroTrustAccessServiceToken": 3,
            "ZeroTrustAccessPolicy": 3,
        },
    ),
    (
        CertificateAuthority,
        "authority",
        {"PrivateKey": 2, "SelfSignedCert": 1, "CertRequest": 1, "LocallySignedCert": 1},
    ),
    (HyperdrivePair, "hyperdrive", {"HyperdriveConfig": 2}),
    (
        Identity,
        "sign-in",
        {"UserPool": 1, "UserPoolClient": 1, "UserPoolDomain": 1, "UserGroup": 1, "RandomPassword": 1},
    ),
    (WorkerScript, "api", WORKER),
    (ApiWorker, "api", {**WORKER, "DnsRecord": 1, "WorkersRoute": 1}),
    (WebSite, "web", WORKER),
    (PagesStaticSite, "pages", {"PagesProject": 1}),
    (Failover, "failover", {"AccountToken": 1, "Parameter": 1, "NotificationPolicy": 1}),
    (FailoverHost, "site", {"DnsRecord": 1, "WorkersRoute": 3}),
    (DeployIdentity, "deploy", {"OpenIdConnectProvider": 1, "Role": 3, "RolePolicy": 3}),
]


@pytest.mark.parametrize(("component", "name", "resources"), DECLARED)
def test_a_component_declares_its_resources(
    component: type, name: str, resources: dict[str, int], dev_plan: Plan
) -> None:
    assert declared(dev_plan, component, name) == resources


def test_without_a_tunnel_the_database_has_a_public_name_and_certificates(direct_plan: Plan) -> None:
    assert declared(direct_plan, PublicDatabase, "public-database") == {"DnsRecord": 1, "MtlsCertificate": 3}
    clients = {"PrivateKey": 4, "SelfSignedCert": 1, "CertRequest": 3, "LocallySignedCert": 3}
    assert declared(direct_plan, CertificateAuthority, "authority") == clients
    assert not [found for found in direct_plan.resources if found.type.endswith(":PrivateTunnel")]


def test_every_output_of_a_component_is_registered(dev_plan: Plan) -> None:
    silent = [found.name for found in dev_plan.resources if not found.custom and not found.outputs]
    assert silent == []
