"""How a bare machine becomes a node of Systems Manager: an activation, and the script that uses it up."""

from dataclasses import dataclass
from pathlib import Path

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.regions import HOME_REGION

SCRIPT = Path(__file__).with_name("templates") / "register.sh"
# Installs the agent, checks its signature and registers (AWS, "Install SSM Agent on hybrid Linux nodes").
SETUP_URL = f"https://amazon-ssm-{HOME_REGION}.s3.{HOME_REGION}.amazonaws.com/latest/debian_amd64/ssm-setup-cli"
# Key of the tag that every node has; what is applied to a host is aimed at it.
HOST_TAG = "host"


@dataclass(frozen=True, kw_only=True)
class HostRegistrationArgs:
    labels: Labels
    display_name: str
    """The node's name, and its tag."""
    role_name: pulumi.Input[str]
    """What the node becomes; its policies must exist before the first node does."""
    policies: list[pulumi.Resource]


class HostRegistration(pulumi.ComponentResource):
    """An activation for one machine. Its code is worth nothing once that is registered, or a day later.

    A machine that is made again, or later than a day, needs another: `pulumi up --replace URN` of the activation.
    """

    user_data: pulumi.Output[str]
    """The machine's first script, secret until it has run."""

    def __init__(self, name: str, args: HostRegistrationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:HostRegistration", name, args.labels.inputs(DataClass.NONE), opts)
        # Every change replaces it, one of a tag, too; a node that is registered stays what it is.
        activation = aws.ssm.Activation(
            f"{name}-activation",
            name=args.display_name,
            description="Registers the PostgreSQL host once",
            iam_role=args.role_name,
            registration_limit=1,
            region=HOME_REGION,
            # The node gets these.
            tags={**args.labels.tags(DataClass.REGULATED), HOST_TAG: args.display_name},
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=args.policies, additional_secret_outputs=["activationCode"]
            ),
        )
        # Secret, because the code is.
        self.user_data = user_data(activation.id, activation.activation_code)
        self.register_outputs({"userData": self.user_data})


def user_data(activation_id: pulumi.Input[str], code: pulumi.Input[str]) -> pulumi.Output[str]:
    """The script with its two unknowns in place."""
    known = SCRIPT.read_text().replace("@URL@", SETUP_URL).replace("@REGION@", HOME_REGION)
    before, rest = known.split("@ID@")
    between, after = rest.split("@CODE@")
    return pulumi.Output.concat(before, activation_id, between, code, after)
