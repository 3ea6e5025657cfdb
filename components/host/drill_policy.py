"""What GitHub's weekly drill may do in AWS: have a host of the stack drill, and read what became of it."""

from components.common.regions import HOME_REGION
from components.host.policies import drill_document_name
from components.host.postgres_host import display_name
from components.host.registration import HOST_TAG

SENDS = ["ssm:SendCommand"]
# These know no resource (AWS, Service Authorization Reference of Systems Manager). Not CancelCommand: it would end
# anybody's command, a restore too. A drill that is left alone ends by itself and takes its copies away.
LOOKS = ["ssm:DescribeInstanceInformation", "ssm:GetCommandInvocation"]


def drill_policy(prefix: str, aws_account_id: str) -> dict[str, object]:
    """One document, whose act is fixed, on the stack's own nodes."""
    here = f"arn:aws:ssm:{HOME_REGION}:{aws_account_id}"
    tag = {f"ssm:resourceTag/{HOST_TAG}": display_name(prefix, "*")}
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": SENDS, "Resource": [f"{here}:document/{drill_document_name(prefix)}"]},
            {
                "Effect": "Allow",
                "Action": SENDS,
                "Resource": [f"{here}:managed-instance/*"],
                "Condition": {"StringLike": tag},
            },
            {
                "Effect": "Allow",
                "Action": LOOKS,
                "Resource": ["*"],
                "Condition": {"StringEquals": {"aws:RequestedRegion": HOME_REGION}},
            },
        ],
    }
