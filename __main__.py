"""One hybrid stack, declared: reads the settings, builds the components, exports what the next layer needs."""

import pulumi
import pulumi_aws as aws
import pulumi_cloudflare as cloudflare

from components.access.deploy_identity import DeployIdentity, DeployIdentityArgs
from components.access.identity import Auth0, Identity, IdentityArgs
from components.access.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArgs
from components.backup.repository import BackupRepository, BackupRepositoryArgs
from components.common.regions import HOME_REGION
from components.edge import bundles as bundles_of_code
from components.edge.api_worker import ApiWorker, ApiWorkerArgs
from components.edge.direct_path import direct_path
from components.edge.failover import Failover, failover_args, failover_hosts, failover_pages_hosts
from components.edge.failover_host import FailoverHost
from components.edge.failover_pages_host import FailoverPagesHost
from components.edge.hyperdrive_pair import HyperdrivePair, HyperdrivePairArgs
from components.edge.pages_static_site import PagesStaticSite, PagesStaticSiteArgs
from components.edge.web_site import WebSite, WebSiteArgs
from components.edge.worker_script import earlier_version
from components.host import specification as host_specification
from components.host.backup_alarms import BackupAlarms, BackupAlarmsArgs
from components.host.bundle import HostBundles, HostBundlesArgs, bundle, bundle_arn
from components.host.convergence import HostConvergence, HostConvergenceArgs
from components.host.identity import HostIdentity, HostIdentityArgs
from components.host.parameters import HostParameters, HostParametersArgs
from components.host.postgres_database import BEHIND_HYPERDRIVE, PostgresDatabase, PostgresDatabaseArgs
from components.host.postgres_host import PostgresHost, PostgresHostArgs, display_name
from components.host.recovery import HostRecovery, HostRecoveryArgs
from components.network.certificate_authority import CertificateAuthority, CertificateAuthorityArgs
from components.network.private_tunnel import PrivateTunnel, PrivateTunnelArgs
from components.network.public_database import PublicDatabase, PublicDatabaseArgs
from components.secrets import guard
from components.settings import stack as settings
from components.storage.cms_documents import CmsDocuments, CmsDocumentsArgs
from components.storage.media_bucket import MediaBucket, MediaBucketArgs
from host.specification.model import LOOPBACK, written

guard.refuse_secrets_in_the_clear()
bundles_of_code.refuse_old()
stack = settings.load(pulumi.get_stack())
labels, account, cloudflare_account = stack.labels, stack.aws_account_id, stack.cloudflare_account_id
database_ipv4_networks, database_ipv6_networks = host_specification.database_networks(stack)
# One provider an account, so that nothing lands in an account or region by default. Cloudflare's has its credentials
# from its environment variables.
opts = pulumi.ResourceOptions(
    providers=[
        aws.Provider("montreal", region=HOME_REGION, allowed_account_ids=[account]),
        cloudflare.Provider("cloudflare"),
    ]
)

database = PostgresDatabase(
    "database",
    PostgresDatabaseArgs(
        labels=labels,
        protection=stack.protection,
        database=stack.postgres_database,
        version=stack.serving_host.version,
        hyperdrive_connections=stack.hyperdrive_connections,
    ),
    opts,
)
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArgs(labels=labels, aws_account_id=account), opts)
backups = BackupRepository(
    "backups",
    BackupRepositoryArgs(
        labels=labels,
        protection=stack.protection,
        aws_account_id=account,
        old_version_days=stack.backup_old_version_days,
        lock_days=stack.backup_lock_days,
        boundary_arn=boundary.arn,
    ),
    opts,
)
authority = CertificateAuthority(
    "authority",
    CertificateAuthorityArgs(
        labels=labels,
        protection=stack.protection,
        generations=stack.database_authorities,
        hostnames=host_specification.hostnames(stack),
        addresses=[LOOPBACK],
        clients=() if host_specification.has_tunnel(stack) else tuple(role.name for role in BEHIND_HYPERDRIVE),
    ),
    opts,
)
tunnel = (
    PrivateTunnel(
        "tunnel",
        PrivateTunnelArgs(
            labels=labels,
            protection=stack.protection,
            account_id=cloudflare_account,
            zone_id=stack.cloudflare_zone_id,
            hostname=stack.database_hostname,
            service=f"tcp://localhost:{host_specification.POSTGRES_PORT}",
            pooler_hostname=stack.pooler_hostname,
            pooler_service=f"tcp://localhost:{host_specification.POOLER_PORT}",
            admits_api=stack.hyperdrive_fallback,
        ),
        opts,
    )
    if host_specification.has_tunnel(stack)
    else None
)
parameters = HostParameters(
    "parameters",
    HostParametersArgs(
        labels=labels,
        passwords=database.passwords,
        cipher_passphrase=backups.cipher_passphrase,
        authority=authority,
        tunnel=tunnel,
    ),
    opts,
)
specifications = {host.name: host_specification.host_specification(stack, host) for host in stack.postgres_hosts}
bundles = HostBundles(
    "bundles",
    HostBundlesArgs(
        labels=labels,
        protection=stack.protection,
        aws_account_id=account,
        bundles={host: bundle(host, written(specification)) for host, specification in specifications.items()},
    ),
    opts,
)
identity = HostIdentity(
    "identity",
    HostIdentityArgs(
        labels=labels,
        aws_account_id=account,
        boundary_arn=boundary.arn,
        bundle_arns=[bundle_arn(labels.prefix, account, host) for host in specifications],
        backups=backups.repository,
        owns_advanced_instances_tier=stack.owns_advanced_instances_tier,
    ),
    opts,
)
hosts = {
    host.name: PostgresHost(
        f"postgres-{host.name}",
        PostgresHostArgs(
            labels=labels,
            protection=stack.protection,
            host=host,
            availability_zone=stack.availability_zone,
            snapshot_time=stack.snapshot_time,
            ssh_public_key=stack.ssh_public_key,
            admin_ipv4_networks=stack.admin_ipv4_networks,
            admin_ipv6_networks=stack.admin_ipv6_networks,
            database_ipv4_networks=database_ipv4_networks,
            database_ipv6_networks=database_ipv6_networks,
            role_name=identity.role_name,
            policies=identity.policies,
            specification=specifications[host.name],
        ),
        opts,
    )
    for host in stack.postgres_hosts
}
serving = hosts[stack.postgres_serving]
convergence = HostConvergence(
    "convergence",
    HostConvergenceArgs(
        labels=labels,
        bucket=bundles.bucket,
        bundles=bundles.objects,
        display_names={host: display_name(labels.prefix, host) for host in hosts},
        secrets_version=parameters.version,
        policies=identity.policies,
        ready={name: host.ready for name, host in hosts.items()},
        # Through a tunnel the database itself is asked; a public one is ready when its host is.
        wait_seconds={} if tunnel or not stack.wait_for_database else {stack.postgres_serving: 3600},
    ),
    opts,
)
recovery = HostRecovery("recovery", HostRecoveryArgs(labels=labels), opts)
BackupAlarms(
    "alarms",
    BackupAlarmsArgs(labels=labels, aws_account_id=account, email=stack.alarm_email, host=stack.postgres_serving),
    opts,
)
documents = CmsDocuments(
    "documents",
    CmsDocumentsArgs(
        labels=labels,
        protection=stack.protection,
        aws_account_id=account,
        old_version_days=stack.backup_old_version_days,
        boundary_arn=boundary.arn,
    ),
    opts,
)
media = [
    MediaBucket(
        f"media-{key}",
        MediaBucketArgs(
            labels=labels,
            protection=stack.protection,
            account_id=cloudflare_account,
            key=key,
            site_origin=f"https://{stack.site_hostname}",
        ),
        opts,
    )
    for key in stack.media_buckets
]
route = tunnel or PublicDatabase(
    "public-database",
    PublicDatabaseArgs(
        labels=labels,
        account_id=cloudflare_account,
        zone_id=stack.cloudflare_zone_id,
        hostname=stack.database_hostname,
        address=serving.static_ip,
        authority=authority,
    ),
    opts,
)
hyperdrive = HyperdrivePair(
    "hyperdrive",
    HyperdrivePairArgs(
        labels=labels,
        account_id=cloudflare_account,
        database=database,
        route=route,
        authorities_pem=authority.authorities_pem,
        ready=[convergence.associations[stack.postgres_serving]],
        waits=stack.wait_for_database,
        connections=stack.hyperdrive_connections,
        public_cache_seconds=stack.public_cache_seconds,
    ),
    opts,
)
sign_in = Identity(
    "sign-in",
    IdentityArgs(
        labels=labels,
        protection=stack.protection,
        aws_account_id=account,
        site_hostname=stack.site_hostname,
        has_public_sign_up=stack.public_sign_up,
        session_generations=stack.session_generations,
        auth0=Auth0(
            domain=stack.auth0_domain,
            audience=stack.auth0_audience,
            client_id=stack.auth0_client_id,
            client_secret=stack.auth0_client_secret,
        )
        if stack.identity_provider == "auth0"
        else None,
    ),
    opts,
)
api = ApiWorker(
    "api",
    ApiWorkerArgs(
        labels=labels,
        account_id=cloudflare_account,
        zone_id=stack.cloudflare_zone_id,
        hostname=stack.api_hostname,
        module_path="apps/worker/dist/index.js",
        build_id=stack.build_id,
        hyperdrive=hyperdrive,
        media=media,
        identity=sign_in.api_bindings,
        origins=[f"https://{stack.site_hostname}"],
        requests_per_minute=stack.requests_per_minute,
        sentry_dsn=stack.sentry_dsn,
        direct_path=direct_path(tunnel, database, stack.pooler_hostname) if tunnel else None,
        earlier=earlier_version(stack, "api"),
        crons=stack.api_crons,
        has_custom_domain=stack.api_custom_domain,
    ),
    opts,
)
site = WebSite(
    "web",
    WebSiteArgs(
        labels=labels,
        account_id=cloudflare_account,
        module_path="apps/web/dist/worker/index.js",
        assets_directory="apps/web/dist/assets",
        build_id=stack.build_id,
        api_script=api.script,
        identity=sign_in.site_bindings,
        earlier=earlier_version(stack, "web"),
    ),
    opts,
)
pages = PagesStaticSite(
    "pages",
    PagesStaticSiteArgs(labels=labels, account_id=cloudflare_account, production_branch=stack.pages_production_branch),
    opts,
)
site_hosts, pages_hosts = failover_hosts(stack, site.script), failover_pages_hosts(stack, pages.project)
failover_by_host = {host.hostname: FailoverHost(host.name, host, opts) for host in site_hosts}
failover_by_pages_host = {host.hostname: FailoverPagesHost(host.name, host, opts) for host in pages_hosts}
failover = Failover("failover", failover_args(stack, [*site_hosts, *pages_hosts]), opts)
deploy = DeployIdentity(
    "deploy",
    DeployIdentityArgs(
        labels=labels,
        aws_account_id=account,
        repository=stack.github_repository,
        owns_oidc_provider=stack.owns_github_oidc_provider,
        state_bucket=stack.state_bucket,
        state_key_alias=stack.state_key_alias,
    ),
    opts,
)

pulumi.export("siteUrl", f"https://{stack.site_hostname}")
pulumi.export("apiUrl", f"https://{stack.api_hostname}")
pulumi.export("issuer", sign_in.issuer)
pulumi.export("failoverRouteIds", {name: host.route_id for name, host in failover_by_host.items()})
record_ids = {name: host.record_id for name, host in failover_by_host.items()}
record_ids |= {name: host.record_id for name, host in failover_by_pages_host.items()}
pulumi.export("failoverRecordIds", record_ids)
pulumi.export("rollbackParameter", failover.parameter)
pulumi.export("postgresAddress", serving.static_ip)
pulumi.export("postgresInstance", serving.instance_name)
pulumi.export("postgresHosts", {name: host.static_ip for name, host in hosts.items()})
pulumi.export("databaseHostname", stack.database_hostname)
if tunnel:
    pulumi.export("poolerHostname", stack.pooler_hostname)
    pulumi.export("tunnelId", tunnel.tunnel_id)
pulumi.export("hyperdriveRegulatedId", hyperdrive.regulated_id)
pulumi.export("hyperdrivePublicId", hyperdrive.public_id)
pulumi.export("backupBucket", backups.bucket)
pulumi.export("backupCopyBucket", backups.copy_bucket)
pulumi.export("recoveryDocument", recovery.document)
pulumi.export("drillDocument", recovery.drill_document)
pulumi.export("bundleBucket", bundles.bucket)
pulumi.export("hostRoleArn", identity.role_arn)
pulumi.export("documentsBucket", documents.bucket)
pulumi.export("cmsUser", documents.user_name)
pulumi.export("mediaBuckets", {bucket.key: bucket.bucket for bucket in media})
pulumi.export("pagesProject", pages.project)
pulumi.export("deployRoleArn", deploy.deploy_role_arn)
pulumi.export("previewRoleArn", deploy.preview_role_arn)
pulumi.export("drillRoleArn", deploy.drill_role_arn)
