"""Stacks that strangers get into, that lose data, or whose rights grow."""

import json

from plan.model import Computed
from tests.policies.changes import (
    Adversary,
    both,
    child,
    cloudflare_port,
    having,
    minus,
    mtls,
    on,
    origin,
    plus,
    port_rule,
    put,
    without,
)

PORTS, INSTANCE = "postgres-a-ports", "postgres-a-instance"
DEPLOY, HOST_RIGHTS = "deploy-deploy", "identity-metrics"
ROUTE = "cloudflare:index/workersRoute:WorkersRoute"
ZONE = "fedcba9876543210fedcba9876543210"
GITHUB = "token.actions.githubusercontent.com"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
DOCUMENTS = "automatonicai-dev-documents-111111111111"


def rights(rule: str = "policies-name-actions", /, **statement: object) -> Adversary:
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}
    return Adversary(rule, on(HOST_RIGHTS, having(policy=json.dumps(document))))


def trust(condition: dict[str, object] | None, **more: object) -> Adversary:
    principal = {"Federated": f"arn:aws:iam::111111111111:oidc-provider/{GITHUB}"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRoleWithWebIdentity", **more}
    if condition is not None:
        statement["Condition"] = condition
    return Adversary("trust-is-exact", on(DEPLOY, having(assumeRolePolicy=json.dumps({"Statement": [statement]}))))


DURABILITY = {
    "another add-on in the snapshots' place": Adversary(
        "hosts-are-snapshotted", on(INSTANCE, put("addOn.type", "StopInstanceOnIdle"))
    ),
    "versions suspended": Adversary(
        "backups-can-be-brought-back", on("backups-versioning", put("versioningConfiguration.status", "suspended"))
    ),
    "lock of no days": Adversary(
        "backups-can-be-brought-back", on("backups-lock", put("rule.defaultRetention", {"days": 0}))
    ),
    "backups that end after a day": Adversary(
        "old-versions-are-kept",
        on("backups-lifecycle", put("rules.1", {"status": "Enabled", "expiration": {"days": 1}})),
    ),
}


FAILOVER = {
    "custom domain in other capitals": Adversary(
        "failover-host-uses-routes",
        plus("cloudflare:index/workersCustomDomain:WorkersCustomDomain", hostname="APP-dev.automatonicai.com."),
    ),
    "certificate's challenge goes to the Worker": Adversary(
        "certificate-challenges-reach-the-standby", on("site-challenge-acme", having(script="automatonicai-dev-web"))
    ),
    "no route for the certificate's challenge": Adversary(
        "certificate-challenges-reach-the-standby", minus("site-challenge-acme")
    ),
    "narrower route that a rollback leaves": Adversary(
        "failover-host-has-one-switch",
        plus(ROUTE, pattern="app-dev.automatonicai.com/account/*", script="automatonicai-dev-web", zoneId=ZONE),
    ),
}


POOL = "aws:cognito/userPool:UserPool"
SIGN_IN = {
    "registration for everybody, and no setting says so": Adversary(
        "people-are-invited", on("sign-in-pool", put("adminCreateUserConfig.allowAdminCreateUserOnly", False)), "prod"
    ),
    "registration left to the default": Adversary(
        "people-are-invited", on("sign-in-pool", without("adminCreateUserConfig")), "prod"
    ),
    "registration for everybody in a pool beside the component": Adversary(
        "people-are-invited",
        plus(POOL, region="ca-central-1", mfaConfiguration="ON", deletionProtection="ACTIVE"),
        "prod",
    ),
    "registration left open by text": Adversary(
        "people-are-invited", on("sign-in-pool", put("adminCreateUserConfig.allowAdminCreateUserOnly", "true")), "prod"
    ),
    "second factor as one likes": Adversary(
        "user-pools-are-guarded", on("sign-in-pool", having(mfaConfiguration="OPTIONAL")), "prod"
    ),
    "pool that can be deleted": Adversary(
        "user-pools-are-guarded", on("sign-in-pool", without("deletionProtection")), "prod"
    ),
}


STRANGER = "arn:aws:iam::999999999999:root"


IDENTITY = {
    "another account reads documents": Adversary(
        "resource-policies-name-principals",
        plus(
            "aws:s3/bucketPolicy:BucketPolicy",
            region="ca-central-1",
            bucket="automatonicai-dev-documents-111111111111",
            policy=json.dumps(
                {"Statement": [{"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "s3:GetObject"}]}
            ),
        ),
    ),
    "another account owns a key": Adversary(
        "resource-policies-name-principals",
        on(
            "backups-key",
            having(
                policy=json.dumps(
                    {"Statement": {"Effect": "Allow", "Principal": {"AWS": "999999999999"}, "Action": "kms:*"}}
                )
            ),
        ),
    ),
    "another account calls a function": Adversary(
        "functions-ask-who-calls",
        plus("aws:lambda/permission:Permission", region="ca-central-1", function="f", principal="999999999999"),
    ),
    "another account's policy": Adversary(
        "managed-policies-are-narrow",
        plus(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role="automatonicai-dev-postgres-host",
            policyArn="arn:aws:iam::999999999999:policy/admin",
        ),
    ),
    "reader of everything": Adversary(
        "managed-policies-are-narrow",
        plus(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role="automatonicai-dev-postgres-host",
            policyArn="arn:aws:iam::aws:policy/ReadOnlyAccess",
        ),
    ),
    "condition that every region meets": rights(
        "policies-name-resources",
        Action="kms:ScheduleKeyDeletion",
        Resource="*",
        Condition={"StringLike": {"aws:RequestedRegion": "*"}},
    ),
    "every action, in a document that is half known": Adversary(
        "policies-name-actions",
        on(
            HOST_RIGHTS,
            having(policy={"Statement": [{"Effect": "Allow", "Action": "*", "Resource": [Computed(), "*"]}]}),
        ),
    ),
    "administrator": Adversary(
        "managed-policies-are-narrow",
        plus(
            "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
            role="automatonicai-dev-postgres-host",
            policyArn="arn:aws:iam::aws:policy/AdministratorAccess",
        ),
    ),
    "administrator by a job's policy": Adversary(
        "managed-policies-are-narrow",
        plus(
            "aws:iam/userPolicyAttachment:UserPolicyAttachment",
            user="u",
            policyArn="arn:aws:iam::aws:policy/job-function/SystemAdministrator",
        ),
    ),
    "all rights": rights(Action="*", Resource="*"),
    "all rights, in a list": rights(Action=["cloudwatch:PutMetricData", "*"], Resource=["*"]),
    "all rights of a service, in capitals": rights(Action="IAM:*", Resource="*"),
    "all rights but one": rights(NotAction="iam:CreateUser", Resource="*"),
    "all rights by many signs": rights(Action="**:*", Resource="*"),
    "right to hand on any role": rights("rights-do-not-grow", Action="iam:PassRole", Resource="*"),
    "rights inside the role itself": Adversary(
        "policies-name-actions",
        on(
            "identity-role",
            having(
                inlinePolicies=[
                    {
                        "name": "x",
                        "policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}),
                    }
                ]
            ),
        ),
    ),
    "boundary that bounds nothing": Adversary(
        "policies-name-actions",
        on(
            "boundary-policy",
            having(policy=json.dumps({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}})),
        ),
    ),
    "role for every repository": trust(
        {"StringLike": {f"{GITHUB}:sub": "repo:*"}, "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"}}
    ),
    "role for every branch": trust(
        {
            "StringLike": {f"{GITHUB}:sub": "repo:automatonicai/hybrid:*"},
            "StringEquals": {f"{GITHUB}:aud": "sts.amazonaws.com"},
        }
    ),
    "role for any audience": trust({"StringEquals": {f"{GITHUB}:sub": "repo:automatonicai/hybrid:environment:dev"}}),
    "role for everybody on GitHub": trust(None),
    "role if the claim happens to exist": trust(
        {
            "StringEqualsIfExists": {
                f"{GITHUB}:sub": "repo:automatonicai/hybrid:environment:dev",
                f"{GITHUB}:aud": "sts.amazonaws.com",
            }
        }
    ),
    "role for everybody": trust(None, Principal="*", Action="sts:AssumeRole"),
    "role for another account": trust(
        None, Principal={"AWS": "arn:aws:iam::999999999999:root"}, Action="sts:AssumeRole"
    ),
}


COST = {
    "dear parameters": Adversary(
        "cost-stays-below-the-ceiling",
        both(
            *(
                plus("aws:ssm/parameter:Parameter", f"p{number}", name=f"/a/{number}", type="String", tier="Advanced")
                for number in range(1000)
            )
        ),
    ),
    "many disks": Adversary(
        "cost-stays-below-the-ceiling",
        both(
            *(
                plus("aws:lightsail/disk:Disk", f"disk-{number}", region="ca-central-1", sizeInGb=1000)
                for number in range(15)
            )
        ),
    ),
    "database of Lightsail": Adversary(
        "cost-stays-below-the-ceiling",
        plus("aws:lightsail/database:Database", bundleId="large_ha_2_0", region="ca-central-1"),
    ),
}


SAFETY = {**DURABILITY, **SIGN_IN, **FAILOVER, **IDENTITY, **COST}


def firewall(rule: str, **changes: object) -> Adversary:
    return Adversary(rule, on(PORTS, port_rule(**changes)))


def second_rule(**changes: object) -> Adversary:
    """Beside the rule for SSH, which is in order."""
    rule = {"protocol": "tcp", "cidrs": ["203.0.113.0/24"], "ipv6Cidrs": ["100::/64"], **changes}
    return Adversary("database-port-is-closed", on(PORTS, put("portInfos.1", rule)))


def bucket_policy(**statement: object) -> Adversary:
    document = {"Version": "2012-10-17", "Statement": [{"Principal": "*", "Resource": "*", **statement}]}
    return Adversary("buckets-refuse-plain-http", on("documents-tls-only", having(policy=json.dumps(document))))


EXPOSURE = {
    "database open to all": firewall("database-port-is-closed", fromPort=5432, toPort=5432, cidrs=["0.0.0.0/0"]),
    "database in the second rule": second_rule(fromPort=5432, toPort=5432),
    "database inside a range": second_rule(fromPort=1024, toPort=65535),
    "database by all protocols": second_rule(protocol="all", fromPort=0, toPort=65535),
    "database by all protocols, in upper case": second_rule(protocol="ALL", fromPort=0, toPort=0),
    "database's port as text": second_rule(fromPort="5432", toPort="5432"),
    "database's protocol in upper case": second_rule(protocol="TCP", fromPort=5432, toPort=5432),
    "pooler's port": second_rule(fromPort=6432, toPort=6432),
    "database's port of unknown number": second_rule(fromPort=Computed(), toPort=Computed()),
    "SSH open to all": firewall("firewall-names-networks", cidrs=["0.0.0.0/0"]),
    "SSH open to two halves of all": firewall("firewall-names-networks", cidrs=["0.0.0.0/1", "128.0.0.0/1"]),
    "SSH open to all of IPv6": firewall("firewall-names-networks", ipv6Cidrs=["::/0"]),
    "SSH open to all of IPv4 as IPv6": firewall("firewall-names-networks", ipv6Cidrs=["2000::/3"]),
    "SSH open to a provider's customers": firewall("firewall-names-networks", cidrs=["3.0.0.0/8"]),
    "SSH open to a little more than a network": firewall("firewall-names-networks", cidrs=["3.0.0.0/16", "3.1.0.0/32"]),
    "SSH open to a provider's customers by IPv6": firewall("firewall-names-networks", ipv6Cidrs=["2600:1f18::/33"]),
    "SSH with an empty list": firewall("firewall-names-networks", ipv6Cidrs=[]),
    "SSH with a list left out": firewall("firewall-names-networks", cidrs=None),
    "SSH by an alias": firewall("firewall-names-networks", cidrListAliases=["lightsail-connect"]),
    "second list of ports for the instance": Adversary(
        "database-port-is-closed",
        plus(
            "aws:lightsail/instancePublicPorts:InstancePublicPorts",
            instanceName="automatonicai-dev-postgres-a",
            region="ca-central-1",
            portInfos=[{"protocol": "tcp", "fromPort": 5432, "toPort": 5432, "cidrs": ["0.0.0.0/0"]}],
        ),
    ),
    "list of ports inside a component": Adversary(
        "database-port-is-closed",
        child(
            plus(
                "aws:lightsail/instancePublicPorts:InstancePublicPorts",
                instanceName="automatonicai-dev-postgres-a",
                portInfos=[{"protocol": "tcp", "fromPort": 1, "toPort": 9999, "cidrs": ["203.0.113.0/24"]}],
            ),
            ("hybrid:postgres:PostgresHost", "outer", {}),
        ),
    ),
    "second instance without a list": Adversary(
        "firewall-is-declared", plus("aws:lightsail/instance:Instance", name="b", region="ca-central-1")
    ),
    "port for Cloudflare beside a tunnel": Adversary(
        "database-port-asks-for-certificates", on(PORTS, cloudflare_port())
    ),
    "half a check of the certificate": Adversary(
        "hyperdrive-is-known", on("hyperdrive-regulated", mtls(sslmode="verify-ca")), "direct"
    ),
    "check of the certificate in upper case": Adversary(
        "hyperdrive-is-known", on("hyperdrive-public", mtls(sslmode="REQUIRE")), "direct"
    ),
    "Hyperdrive with an empty token": Adversary(
        "hyperdrive-is-known", on("hyperdrive-public", origin(accessClientId="", accessClientSecret=""))
    ),
    "tunnel's host name without a guard": Adversary(
        "database-hostname-is-behind-access",
        on("tunnel-ingress", put("config.ingresses.0.hostname", "db-dev.automatonicai.com")),
    ),
    "tunnel's last rule leads to the database": Adversary(
        "database-hostname-is-behind-access",
        on("tunnel-ingress", put("config.ingresses.2", {"service": "tcp://localhost:5432"})),
    ),
    "tunnel for every host name": Adversary(
        "database-hostname-is-behind-access",
        on("tunnel-ingress", put("config.ingresses.0.hostname", "*.automatonicai.com")),
    ),
    "Access for everyone besides": Adversary(
        "database-hostname-is-behind-access", on("tunnel-policy", put("includes.1", {"everyone": {}}))
    ),
    "Access that lets pass": Adversary(
        "database-hostname-is-behind-access", on("tunnel-policy", having(decision="bypass"))
    ),
    "Access left open below a path": Adversary(
        "database-hostname-is-behind-access",
        plus(APPLICATION, domain="postgres-dev.automatonicai.com/open", type="self_hosted", policies=[]),
    ),
    "public address of an R2 bucket": Adversary(
        "r2-dev-is-off",
        plus("cloudflare:index/r2ManagedDomain:R2ManagedDomain", bucketName="automatonicai-dev-media", enabled=True),
    ),
    "second address of a Worker": Adversary(
        "workers-dev-is-off", on("api-worker", having(subdomain={"enabled": True, "previewsEnabled": False})), "prod"
    ),
    "address of each version of a Worker": Adversary(
        "workers-dev-is-off", on("web-worker", put("subdomain.previewsEnabled", True)), "prod"
    ),
    "second address of a Worker, by a resource": Adversary(
        "workers-dev-is-off",
        plus("cloudflare:index/workersScriptSubdomain:WorkersScriptSubdomain", scriptName="api", enabled=True),
        "prod",
    ),
    "second address of a Worker, left to the default": Adversary(
        "workers-dev-is-off", on("api-worker", without("subdomain")), "prod"
    ),
    "bucket open to policies": Adversary(
        "buckets-are-closed-to-the-public", on("documents-public-access", having(blockPublicPolicy=False))
    ),
    "bucket closed as text": Adversary(
        "buckets-are-closed-to-the-public", on("documents-public-access", having(ignorePublicAcls="false"))
    ),
    "bucket for everyone by its list": Adversary(
        "buckets-have-no-public-list", plus("aws:s3/bucketAcl:BucketAcl", bucket=DOCUMENTS, acl="public-read")
    ),
    "bucket that asks for TLS on nothing": bucket_policy(
        Effect="Allow", Action="s3:GetObject", Condition={"Bool": {"aws:SecureTransport": "true"}}
    ),
    "bucket that asks for TLS of one action": bucket_policy(
        Effect="Deny", Action="s3:DeleteBucket", Condition={"Bool": {"aws:SecureTransport": "false"}}
    ),
    "key for everyone": Adversary(
        "resource-policies-name-principals",
        on(
            "backups-key",
            having(
                policy=json.dumps({"Statement": {"Effect": "Allow", "Principal": {"AWS": ["*"]}, "Action": "kms:*"}})
            ),
        ),
    ),
}
