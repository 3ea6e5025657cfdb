"""Doors left open: ports, tunnels, second addresses and buckets."""

import json

from plan.model import Computed
from tests.policy.attack import Adversary, child
from tests.policy.breaking import cloudflare_port, having, mtls, origin, port_rule, without
from tests.policy.changes import minus, on, plus, put

PORTS = "postgres-a-ports"
APPLICATION = "cloudflare:index/zeroTrustAccessApplication:ZeroTrustAccessApplication"
DOCUMENTS = "automatonicai-dev-documents-111111111111"


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
        on("tunnel-ingress", put("config.ingresses.0.hostname", "db.dev.automatonicai.com")),
    ),
    "tunnel's last rule leads to the database": Adversary(
        "database-hostname-is-behind-access",
        on("tunnel-ingress", put("config.ingresses.2", {"service": "tcp://localhost:5432"})),
    ),
    "tunnel for every host name": Adversary(
        "database-hostname-is-behind-access",
        on("tunnel-ingress", put("config.ingresses.0.hostname", "*.dev.automatonicai.com")),
    ),
    "Access for everyone besides": Adversary(
        "database-hostname-is-behind-access", on("tunnel-policy", put("includes.1", {"everyone": {}}))
    ),
    "Access that lets pass": Adversary(
        "database-hostname-is-behind-access", on("tunnel-policy", having(decision="bypass"))
    ),
    "Access left open below a path": Adversary(
        "database-hostname-is-behind-access",
        plus(APPLICATION, domain="postgres.dev.automatonicai.com/open", type="self_hosted", policies=[]),
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
    "function that asks nobody": Adversary(
        "functions-ask-who-calls",
        plus("aws:lambda/functionUrl:FunctionUrl", functionName="f", authorizationType="NONE"),
    ),
    "bucket open to policies": Adversary(
        "buckets-are-closed-to-the-public", on("documents-public-access", having(blockPublicPolicy=False))
    ),
    "bucket half closed": Adversary(
        "buckets-are-closed-to-the-public", on("documents-public-access", without("restrictPublicBuckets"))
    ),
    "bucket closed as text": Adversary(
        "buckets-are-closed-to-the-public", on("documents-public-access", having(ignorePublicAcls="false"))
    ),
    "bucket that nothing closes": Adversary("buckets-are-closed-to-the-public", minus("documents-public-access")),
    "bucket for everyone by its list": Adversary(
        "buckets-have-no-public-list", plus("aws:s3/bucketAcl:BucketAcl", bucket=DOCUMENTS, acl="public-read")
    ),
    "bucket without TLS": Adversary("buckets-refuse-plain-http", minus("documents-tls-only")),
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
