"""The machine in Montreal that PostgreSQL runs on."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.labels import DataClass, Labels
from components.protection import Protection
from components.providers import HOME_REGION

DATA_DISK_PATH = "/dev/xvdf"


@dataclass(frozen=True, kw_only=True)
class PostgresHostArgs:
    labels: Labels
    protection: Protection
    availability_zone: str
    """A zone of ca-central-1: Lightsail is not in ca-west-1."""
    blueprint: str
    """Lightsail's operating system; changing it replaces the instance."""
    bundle: str
    """Lightsail's machine size; changing it replaces the instance."""
    disk_gb: int
    """Size of the data disk; changing it replaces the disk."""
    snapshot_time: str
    """Hour of the daily snapshot, `HH:00` in UTC. Seven are kept and die with the instance."""
    ssh_public_key: str
    admin_ipv4_networks: list[str]
    admin_ipv6_networks: list[str]
    """Networks that reach SSH. Neither list may be empty: that means everyone."""


class PostgresHost(pulumi.ComponentResource):
    """A Lightsail instance with its data on a disk of its own and a static address.

    Almost every change of the instance replaces it and deletes its snapshots, so a resize is a restore
    onto a second host and never an edit here. PostgreSQL's port is not open: the way in is the tunnel.
    """

    instance_name: pulumi.Output[str]
    static_ip: pulumi.Output[str]
    """Address that stays when the instance is replaced."""

    def __init__(self, name: str, args: PostgresHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("hybrid:postgres:PostgresHost", name, args.labels.inputs(DataClass.REGULATED), opts)
        display_name = f"{args.labels.prefix}-postgres"
        tags = args.labels.tags(DataClass.REGULATED)
        instance = self._instance(name, args, display_name, tags)
        self._data_disk(name, args, instance, tags)
        address = aws.lightsail.StaticIp(
            f"{name}-address", name=display_name, region=HOME_REGION, opts=args.protection.options(self)
        )
        aws.lightsail.StaticIpAttachment(
            f"{name}-address-attachment",
            static_ip_name=address.name,
            instance_name=instance.name,
            region=HOME_REGION,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._firewall(name, args, instance)
        self.instance_name = instance.name
        self.static_ip = address.ip_address
        self.register_outputs({"instanceName": self.instance_name, "staticIp": self.static_ip})

    def _instance(
        self, name: str, args: PostgresHostArgs, display_name: str, tags: dict[str, str]
    ) -> aws.lightsail.Instance:
        key_pair = aws.lightsail.KeyPair(
            f"{name}-key",
            name=display_name,
            public_key=args.ssh_public_key,
            region=HOME_REGION,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # In state: renaming this replaces the server.
        return aws.lightsail.Instance(
            f"{name}-instance",
            name=display_name,
            availability_zone=args.availability_zone,
            blueprint_id=args.blueprint,
            bundle_id=args.bundle,
            key_pair_name=key_pair.name,
            add_on={"type": "AutoSnapshot", "status": "Enabled", "snapshot_time": args.snapshot_time},
            region=HOME_REGION,
            tags=tags,
            # A changed user_data would destroy the instance and its snapshots
            # (hashicorp/terraform-provider-aws#48395).
            opts=args.protection.options(self, ignore_changes=["userData"]),
        )

    def _data_disk(
        self, name: str, args: PostgresHostArgs, instance: aws.lightsail.Instance, tags: dict[str, str]
    ) -> None:
        # In state: renaming this replaces the disk that the database lives on.
        disk = aws.lightsail.Disk(
            f"{name}-data",
            name=f"{args.labels.prefix}-postgres-data",
            availability_zone=args.availability_zone,
            size_in_gb=args.disk_gb,
            region=HOME_REGION,
            tags=tags,
            opts=args.protection.options(self),
        )
        aws.lightsail.Disk_attachment(
            f"{name}-data-attachment",
            disk_name=disk.name,
            instance_name=instance.name,
            disk_path=DATA_DISK_PATH,
            region=HOME_REGION,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _firewall(self, name: str, args: PostgresHostArgs, instance: aws.lightsail.Instance) -> None:
        aws.lightsail.InstancePublicPorts(
            f"{name}-ports",
            instance_name=instance.name,
            region=HOME_REGION,
            port_infos=[
                {
                    # SSH for administrators. Lightsail opens 22 to the world unless the list is owned.
                    "protocol": "tcp",
                    "from_port": 22,
                    "to_port": 22,
                    # Both lists, always: one that is left out means "everyone".
                    "cidrs": args.admin_ipv4_networks,
                    "ipv6_cidrs": args.admin_ipv6_networks,
                }
            ],
            # Created first, the old list's deletion would close the ports just opened.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
