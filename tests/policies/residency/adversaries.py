"""Data that would leave Canada, or land where nobody has looked."""

import json

from plan.model import Computed
from tests.policies.changes import Adversary, both, child, elsewhere, having, on, origin, plus, put

BUCKET = "aws:s3/bucket:Bucket"
KEY = "aws:kms/key:Key"
R2 = "cloudflare:index/r2Bucket:R2Bucket"
FAR = "us-east-1"
FAR_KEY = f"arn:aws:kms:{FAR}:111111111111:key/1"
ELSEWHERE = {"region": FAR}
CANADIAN = {"region": "ca-central-1"}


def statement(resource: str) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": [[resource]]}]})


REGIONS = {
    "region in upper case": Adversary("resources-are-in-canada", on("postgres-a-data", having(region="US-EAST-1"))),
    "region by its display name": Adversary(
        "resources-are-in-canada", on("postgres-a-data", having(region="US East (N. Virginia)"))
    ),
    "region with a look-alike letter": Adversary(
        "resources-are-in-canada", on("postgres-a-data", having(region="\N{CYRILLIC SMALL LETTER ES}a-central-1"))
    ),
    "region with look-alike hyphens": Adversary(
        "resources-are-in-canada", on("postgres-a-data", having(region="ca\N{NON-BREAKING HYPHEN}central-1"))
    ),
    "region that begins like a Canadian one": Adversary(
        "resources-are-in-canada", on("postgres-a-data", having(region="ca-central-10"))
    ),
    "zone that begins like a Canadian one": Adversary(
        "resources-are-in-canada", on("postgres-a-instance", having(availabilityZone="ca-central-10a"))
    ),
    "zone in upper case": Adversary(
        "resources-are-in-canada", on("postgres-a-instance", having(availabilityZone="US-EAST-1A"))
    ),
    "computed region": Adversary("resources-are-in-canada", on("postgres-a-data", having(region=Computed()))),
    "computed region of the provider": Adversary(
        "resources-are-in-canada", on("montreal", having(region=Computed("${urn:pulumi:a#region}")))
    ),
    "user pool elsewhere": Adversary("resources-are-in-canada", on("sign-in-pool", having(region=FAR))),
    "one more user pool elsewhere": Adversary(
        "resources-are-in-canada", plus("aws:cognito/userPool:UserPool", region=FAR)
    ),
    "second provider": Adversary("resources-are-in-canada", elsewhere(ELSEWHERE, BUCKET, bucket="b")),
    "second provider, for a Canadian-sounding bucket": Adversary(
        "resources-are-in-canada", elsewhere(ELSEWHERE, BUCKET, bucket="ca-central-1-documents")
    ),
    "provider that takes its region from the environment": Adversary(
        "resources-are-in-canada", elsewhere({}, BUCKET, bucket="b")
    ),
    "default provider, region from the environment": Adversary(
        "resources-are-in-canada", elsewhere(None, BUCKET, bucket="b")
    ),
    "provider on a component above": Adversary(
        "resources-are-in-canada",
        child(elsewhere(ELSEWHERE, KEY, multiRegion=False), ("hybrid:storage:EncryptionKey", "far", {})),
    ),
    "child three components down": Adversary(
        "resources-are-in-canada",
        child(
            plus(BUCKET, region="sa-east-1"),
            ("hybrid:storage:CmsDocuments", "outer", {}),
            ("hybrid:storage:PrivateBucket", "middle", {}),
            ("hybrid:storage:PrivateBucket", "inner", {}),
        ),
    ),
    "endpoint of another region on a Canadian provider": Adversary(
        "written-regions-are-canadian",
        elsewhere({**CANADIAN, "endpoints": [{"s3": f"https://s3.{FAR}.amazonaws.com"}]}, BUCKET),
    ),
    "endpoints as JSON text on a Canadian provider": Adversary(
        "written-regions-are-canadian",
        elsewhere({**CANADIAN, "endpoints": json.dumps([{"s3": f"https://s3.{FAR}.amazonaws.com"}])}, BUCKET),
    ),
    "provider of another package for AWS": Adversary(
        "services-are-judged", plus("pulumi:providers:aws-native", region=FAR)
    ),
}

ARNS = {
    "key elsewhere for an object": Adversary("written-regions-are-canadian", on("bundles-a", having(kmsKeyId=FAR_KEY))),
    "key elsewhere in a nested list": Adversary(
        "written-regions-are-canadian",
        on("documents-encryption", put("rules.0.applyServerSideEncryptionByDefault.kmsMasterKeyId", FAR_KEY)),
    ),
    "key elsewhere for the copies": Adversary(
        "written-regions-are-canadian",
        on("backups-replication-rules", put("rules.0.destination.encryptionConfiguration.replicaKmsKeyId", FAR_KEY)),
    ),
    "ARN in a policy's JSON text": Adversary(
        "written-regions-are-canadian",
        on("identity-metrics", having(policy=statement(f"arn:aws:dynamodb:{FAR}:111111111111:table/t"))),
    ),
    "ARN in upper case": Adversary(
        "written-regions-are-canadian",
        on("identity-metrics", having(policy=statement(f"ARN:AWS:SQS:{FAR.upper()}:111111111111:q"))),
    ),
    "ARN with escaped letters in JSON text": Adversary(
        "written-regions-are-canadian",
        on("identity-metrics", having(policy=statement(FAR_KEY).replace("us-east", "\\u0075s\\u002deast"))),
    ),
    "ARN in JSON text inside JSON text": Adversary(
        "written-regions-are-canadian",
        on("convergence-document", having(content=json.dumps({"parameters": {"Inner": statement(FAR_KEY)}}))),
    ),
    "access point of another region": Adversary(
        "written-regions-are-canadian",
        on("identity-metrics", having(policy=statement(f"arn:aws:s3:{FAR}:111111111111:accesspoint/x"))),
    ),
    "ARN of another partition": Adversary(
        "written-regions-are-canadian",
        on("identity-metrics", having(policy=statement("arn:aws-cn:s3:cn-north-1:1:accesspoint/x"))),
    ),
    "alarm that acts elsewhere": Adversary(
        "written-regions-are-canadian",
        on("alarms-verify", put("alarmActions.1", f"arn:aws:sns:{FAR}:111111111111:t")),
    ),
    "association that writes elsewhere": Adversary(
        "written-regions-are-canadian",
        on("convergence-a", having(outputLocation={"s3BucketName": "logs", "s3Region": FAR})),
    ),
    "endpoint of another region in a parameter": Adversary(
        "written-regions-are-canadian", on("convergence-a", put("parameters.Endpoint", f"s3.{FAR}.amazonaws.com"))
    ),
    "endpoint of another region in an older form": Adversary(
        "written-regions-are-canadian",
        on("convergence-a", put("parameters.Endpoint", "https://b.S3-EU-WEST-1.amazonaws.com/x")),
    ),
    "Hyperdrive to a database elsewhere": Adversary(
        "written-regions-are-canadian", on("hyperdrive-regulated", origin(host=f"db.x.{FAR}.rds.amazonaws.com"))
    ),
    "tunnel to a database elsewhere": Adversary(
        "written-regions-are-canadian",
        on("tunnel-ingress", put("config.ingresses.0.service", f"tcp://db.x.{FAR}.rds.amazonaws.com:5432")),
    ),
}

COPIES = {
    "copy to a bucket of a second provider": Adversary(
        "replication-stays-in-the-stack",
        both(
            elsewhere(ELSEWHERE, BUCKET, bucket="far"),
            on("backups-replication-rules", put("rules.1", {"destination": {"bucket": "arn:aws:s3:::far"}})),
        ),
    ),
    "replication inside the bucket, nested": Adversary(
        "replication-is-in-sight",
        on("documents-bucket", having(replicationConfiguration={"rules": [{"destination": {"bucket": "x"}}]})),
    ),
    "objects through edges everywhere": Adversary(
        "services-are-judged",
        plus("aws:s3/bucketAccelerateConfiguration:BucketAccelerateConfiguration", bucket="b", status="Enabled"),
    ),
    "events of a bucket to another region": Adversary(
        "written-regions-are-canadian",
        plus(
            "aws:s3/bucketNotification:BucketNotification",
            bucket="b",
            queues=[{"queueArn": f"arn:aws:sqs:{FAR}:111111111111:q", "events": ["s3:ObjectCreated:*"]}],
        ),
    ),
    "key of all regions": Adversary("keys-stay-in-their-region", on("alarms-key", having(multiRegion=True))),
    "key of all regions, as text": Adversary(
        "keys-stay-in-their-region", on("backups-key", having(multiRegion="true"))
    ),
    "replica of a key": Adversary(
        "services-are-judged", plus("aws:kms/replicaKey:ReplicaKey", primaryKeyArn=FAR_KEY.replace(FAR, "ca-central-1"))
    ),
    "log group elsewhere": Adversary(
        "resources-are-in-canada", elsewhere(ELSEWHERE, "aws:cloudwatch/logGroup:LogGroup", name="l")
    ),
    "log lines handed to another region": Adversary(
        "logs-stay-in-canada",
        plus(
            "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
            logGroup="l",
            destinationArn=f"arn:aws:logs:{FAR}:999999999999:destination:d",
        ),
    ),
    "log lines handed to another account in Canada": Adversary(
        "logs-stay-in-canada",
        plus(
            "aws:cloudwatch/logSubscriptionFilter:LogSubscriptionFilter",
            logGroup="l",
            destinationArn="arn:aws:firehose:ca-central-1:999999999999:deliverystream/vendor",
        ),
    ),
    "edge logs to a bucket elsewhere": Adversary(
        "edge-logs-go-to-canada",
        plus("cloudflare:index/logpushJob:LogpushJob", destinationConf=f"s3://logs/x?region={FAR}", dataset="http"),
    ),
    "Systems Manager's inventory elsewhere": Adversary(
        "written-regions-are-canadian",
        plus("aws:ssm/resourceDataSync:ResourceDataSync", s3Destination={"bucketName": "inventory", "region": FAR}),
    ),
    "topic that hands on to a machine": Adversary(
        "topics-tell-people", on("alarms-email", having(protocol="EMAIL-JSON", endpoint="https://x.example"))
    ),
}

UNJUDGED = {
    "type with other capitals": Adversary("services-are-judged", plus("aws:S3/Bucket:Bucket", region=FAR)),
    "type by its older name": Adversary("resources-are-in-canada", plus("aws:s3/bucketV2:BucketV2", region=FAR)),
    "the same bucket by another provider": Adversary("services-are-judged", plus("aws-native:s3:Bucket")),
    "program that runs on deployment": Adversary("services-are-judged", plus("command:local:Command", create="x")),
    "dynamic provider": Adversary("services-are-judged", plus("pulumi-python:dynamic:Resource")),
    "content network of Lightsail": Adversary(
        "services-are-judged", plus("aws:lightsail/distribution:Distribution", name="d")
    ),
    "type of a judged service that nobody judged": Adversary(
        "services-are-judged", plus("aws:s3/objectCopy:ObjectCopy", source="far/x", bucket="b", key="x")
    ),
    "component that nobody judged": Adversary(
        "services-are-judged", child(plus(BUCKET, region="ca-central-1"), ("other:storage:Bucket", "x", {}))
    ),
    "functions of Vercel in Washington": Adversary(
        "functions-run-in-montreal", plus("vercel:index/project:Project", name="site", serverlessFunctionRegion="iad1")
    ),
}

RESIDENCY = {**REGIONS, **ARNS, **COPIES, **UNJUDGED}
