"""One hybrid stack, declared: reads the settings, builds the components, exports what the next layer needs."""

import pulumi

from components import providers, settings
from components.api_worker import ApiWorker, ApiWorkerArgs
from components.backup_repository import BackupRepository, BackupRepositoryArgs
from components.cms_documents import CmsDocuments, CmsDocumentsArgs
from components.deploy_identity import DeployIdentity, DeployIdentityArgs
from components.failover_host import ActiveSide, FailoverHost, FailoverHostArgs
from components.hyperdrive_pair import HyperdrivePair, HyperdrivePairArgs
from components.media_bucket import MediaBucket, MediaBucketArgs
from components.pages_static_site import PagesStaticSite, PagesStaticSiteArgs
from components.permissions_boundary import PermissionsBoundary, PermissionsBoundaryArgs
from components.postgres_database import PostgresDatabase, PostgresDatabaseArgs
from components.postgres_host import PostgresHost, PostgresHostArgs
from components.private_tunnel import PrivateTunnel, PrivateTunnelArgs
from components.web_site import WebSite, WebSiteArgs

stack = settings.load(pulumi.get_stack())
labels = stack.labels
protection = stack.protection
opts = pulumi.ResourceOptions(providers=providers.declare(aws_account_id=stack.aws_account_id))

database = PostgresDatabase(
    "database",
    PostgresDatabaseArgs(
        labels=labels,
        protection=protection,
        database=stack.postgres_database,
        version=stack.postgres_version,
        hyperdrive_connections=stack.hyperdrive_connections,
    ),
    opts,
)
host = PostgresHost(
    "postgres",
    PostgresHostArgs(
        labels=labels,
        protection=protection,
        availability_zone=stack.availability_zone,
        blueprint=stack.postgres_blueprint,
        bundle=stack.postgres_bundle,
        disk_gb=stack.postgres_disk_gb,
        snapshot_time=stack.snapshot_time,
        ssh_public_key=stack.ssh_public_key,
        admin_ipv4_networks=stack.admin_ipv4_networks,
        admin_ipv6_networks=stack.admin_ipv6_networks,
    ),
    opts,
)
boundary = PermissionsBoundary("boundary", PermissionsBoundaryArgs(labels=labels), opts)
backups = BackupRepository(
    "backups",
    BackupRepositoryArgs(
        labels=labels,
        protection=protection,
        aws_account_id=stack.aws_account_id,
        old_version_days=stack.backup_old_version_days,
        boundary_arn=boundary.arn,
    ),
    opts,
)
documents = CmsDocuments(
    "documents",
    CmsDocumentsArgs(
        labels=labels,
        protection=protection,
        aws_account_id=stack.aws_account_id,
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
            protection=protection,
            account_id=stack.cloudflare_account_id,
            key=key,
            site_origin=f"https://{stack.site_hostname}",
        ),
        opts,
    )
    for key in stack.media_buckets
]
tunnel = PrivateTunnel(
    "tunnel",
    PrivateTunnelArgs(
        labels=labels,
        protection=protection,
        account_id=stack.cloudflare_account_id,
        zone_id=stack.cloudflare_zone_id,
        hostname=stack.database_hostname,
        service="tcp://localhost:5432",
    ),
    opts,
)
hyperdrive = HyperdrivePair(
    "hyperdrive",
    HyperdrivePairArgs(
        labels=labels,
        account_id=stack.cloudflare_account_id,
        database=database,
        tunnel=tunnel,
        connections=stack.hyperdrive_connections,
        public_cache_seconds=stack.public_cache_seconds,
    ),
    opts,
)
api = ApiWorker(
    "api",
    ApiWorkerArgs(
        labels=labels,
        account_id=stack.cloudflare_account_id,
        zone_id=stack.cloudflare_zone_id,
        hostname=stack.api_hostname,
        module_path="apps/worker/dist/index.js",
        build_id=stack.build_id,
        hyperdrive=hyperdrive,
        media=media,
    ),
    opts,
)
site = WebSite(
    "web",
    WebSiteArgs(
        labels=labels,
        account_id=stack.cloudflare_account_id,
        module_path="apps/web/dist/worker/index.js",
        assets_directory="apps/web/dist/assets",
        build_id=stack.build_id,
        api_script=api.script,
    ),
    opts,
)
pages = PagesStaticSite(
    "pages",
    PagesStaticSiteArgs(
        labels=labels,
        account_id=stack.cloudflare_account_id,
        production_branch=stack.pages_production_branch,
    ),
    opts,
)
failover = FailoverHost(
    "site",
    FailoverHostArgs(
        labels=labels,
        zone_id=stack.cloudflare_zone_id,
        hostname=stack.site_hostname,
        standby_hostname=stack.standby_hostname,
        script=site.script,
        active=ActiveSide(stack.failover_active),
    ),
    opts,
)
deploy = DeployIdentity(
    "deploy",
    DeployIdentityArgs(
        labels=labels,
        aws_account_id=stack.aws_account_id,
        repository=stack.github_repository,
        owns_oidc_provider=stack.owns_github_oidc_provider,
        state_bucket=stack.state_bucket,
        state_key_alias=stack.state_key_alias,
    ),
    opts,
)

pulumi.export("siteUrl", f"https://{stack.site_hostname}")
pulumi.export("apiUrl", f"https://{stack.api_hostname}")
pulumi.export("failoverActive", stack.failover_active)
pulumi.export("failoverRouteId", failover.route_id)
pulumi.export("failoverRecordId", failover.record_id)
pulumi.export("postgresAddress", host.static_ip)
pulumi.export("postgresInstance", host.instance_name)
pulumi.export("databaseHostname", tunnel.hostname)
pulumi.export("tunnelId", tunnel.tunnel_id)
pulumi.export("hyperdriveRegulatedId", hyperdrive.regulated_id)
pulumi.export("hyperdrivePublicId", hyperdrive.public_id)
pulumi.export("backupBucket", backups.bucket)
pulumi.export("backupWriterRoleArn", backups.writer_role_arn)
pulumi.export("documentsBucket", documents.bucket)
pulumi.export("cmsUser", documents.user_name)
pulumi.export("mediaBuckets", {bucket.key: bucket.bucket for bucket in media})
pulumi.export("pagesProject", pages.project)
pulumi.export("deployRoleArn", deploy.deploy_role_arn)
pulumi.export("previewRoleArn", deploy.preview_role_arn)
