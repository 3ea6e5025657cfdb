"""What a database host may do in AWS: the documents of its role, by what each is for."""

from collections.abc import Sequence
from typing import Any

from components.common.regions import HOME_REGION

# Of AmazonSSMManagedInstanceCore what State Manager, Run Command and sessions need. Left out: inventory, patches and
# packages (not used), compliance (an upload that fails is only logged: amazon-ssm-agent, compliance/uploader), the
# associations of one instance by name (obsolete), and ec2messages (agents from 3.3 on go without once ssmmessages
# answers: amazon-ssm-agent, RELEASENOTES.md, 3.3.40.0).
AGENT_ON_DOCUMENTS = ["ssm:GetDocument"]
AGENT_ON_NODES = ["ssm:ListInstanceAssociations", "ssm:UpdateInstanceInformation"]
AGENT_ON_ASSOCIATIONS = ["ssm:UpdateInstanceAssociationStatus"]
# These know no resource (AWS, Service Authorization Reference of ssmmessages).
AGENT_CHANNELS = [
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
]
PARAMETER_READS = ["ssm:GetParameters"]
BUNDLE_READS = ["s3:GetObject", "s3:GetObjectVersion"]
SECRET_READS = ["kms:Decrypt"]
METRIC_WRITES = ["cloudwatch:PutMetricData"]
# Systems Manager's setting of what its nodes cost and can do.
NODE_TIER = "/ssm/managed-instance/activation-tier"


def role_name(prefix: str) -> str:
    return f"{prefix}-postgres-host"


def document_name(prefix: str) -> str:
    """Name of the Systems Manager document that applies a host's specification."""
    return f"{prefix}-postgres-converge"


def recovery_document_name(prefix: str) -> str:
    """The document of Systems Manager that operators send to have a host list, make, try or restore backups."""
    return f"{prefix}-postgres-recovery"


def drill_document_name(prefix: str) -> str:
    """The document of Systems Manager that has a host try its backups, and can have it do nothing else."""
    return f"{prefix}-postgres-drill"


def metrics_namespace(prefix: str) -> str:
    """CloudWatch's namespace of the hosts' own metrics."""
    return f"{prefix}/postgres"


def host_parameters(prefix: str) -> str:
    """Prefix of the names of a host's secrets."""
    return f"/{prefix}/postgres"


def host_trust(aws_account_id: str) -> dict[str, object]:
    """Lets hosts that this account registered with Systems Manager in Montreal take on a role."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "ssm.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": aws_account_id},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:ssm:{HOME_REGION}:{aws_account_id}:*"},
                },
            }
        ],
    }


def agent_policy(prefix: str, aws_account_id: str) -> dict[str, object]:
    """What the agent of Systems Manager does on a host."""
    return _document(agent_statements(prefix, aws_account_id))


def configuration_policy(prefix: str, aws_account_id: str, bundle_arns: Sequence[Any]) -> dict[str, object]:
    """What a host reads to become what it is declared to be: its bundle and its secrets."""
    return _document(
        [
            *secret_statements(prefix, aws_account_id),
            {"Effect": "Allow", "Action": BUNDLE_READS, "Resource": list(bundle_arns)},
        ]
    )


def metrics_policy(prefix: str) -> dict[str, object]:
    """What a host says of itself to CloudWatch."""
    return _document(metrics_statements(prefix))


def metrics_statements(prefix: str) -> list[dict[str, object]]:
    return [
        {
            # A metric is not a resource; its namespace is a condition (AWS, Service Authorization Reference).
            "Effect": "Allow",
            "Action": METRIC_WRITES,
            "Resource": ["*"],
            "Condition": {"StringEquals": {"cloudwatch:namespace": metrics_namespace(prefix)}},
        }
    ]


def agent_statements(prefix: str, aws_account_id: str) -> list[dict[str, object]]:
    nodes, associations = (_ssm(aws_account_id, f"{kind}/*") for kind in ("managed-instance", "association"))
    document = _ssm(aws_account_id, f"document/{document_name(prefix)}")
    return [
        {"Effect": "Allow", "Action": AGENT_ON_DOCUMENTS, "Resource": [document]},
        {"Effect": "Allow", "Action": AGENT_ON_NODES, "Resource": [nodes]},
        {"Effect": "Allow", "Action": AGENT_ON_ASSOCIATIONS, "Resource": [associations, nodes]},
        {"Effect": "Allow", "Action": AGENT_CHANNELS, "Resource": ["*"]},
    ]


def secret_statements(prefix: str, aws_account_id: str) -> list[dict[str, object]]:
    """Reading the host's parameters, and decrypting these and nothing else."""
    parameters = _ssm(aws_account_id, f"parameter{host_parameters(prefix)}/*")
    return [
        {"Effect": "Allow", "Action": PARAMETER_READS, "Resource": [parameters]},
        {
            # The policy of AWS's own key admits everybody in the account, but a boundary may still be in the way.
            "Effect": "Allow",
            "Action": SECRET_READS,
            "Resource": [f"arn:aws:kms:{HOME_REGION}:{aws_account_id}:key/*"],
            "Condition": {
                "StringEquals": {"kms:ViaService": f"ssm.{HOME_REGION}.amazonaws.com"},
                "StringLike": {"kms:EncryptionContext:PARAMETER_ARN": parameters},
            },
        },
    ]


def _ssm(aws_account_id: str, resource: str) -> str:
    return f"arn:aws:ssm:{HOME_REGION}:{aws_account_id}:{resource}"


def _document(statements: list[dict[str, object]]) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": statements}
