"""A machine in Montreal that PostgreSQL runs on."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components.common.labels import DataClass, Labels
from components.common.protection import Protection
from components.common.regions import HOME_REGION
from components.host.registration import HOST_TAG, HostRegistration, HostRegistrationArgs
from components.host.specification import DATA_DISK_PATH, POSTGRES_PORT
from components.settings.host import HostSettings
from host.specification.model import Spec, written

SSH_PORT = 22
# IPv4 and IPv6 are two lists: one that is left out means "everyone".
Networks = tuple[list[str], list[str]]


@dataclass(frozen=True, kw_only=True)
class PostgresHostArgs:
    labels: Labels
    protection: Protection
    host: HostSettings
    """Changing blueprint or bundle replaces the instance, changing the disk's size the disk."""
    availability_zone: str
    """A zone of ca-central-1: Lightsail is not in ca-west-1."""
    snapshot_time: str
    """Hour of the daily snapshot, `HH:00` in UTC. Seven are kept and die with the instance."""
    ssh_public_key: str
    admin_ipv4_networks: list[str]
    admin_ipv6_networks: list[str]
    """Networks that reach SSH. Neither list may be empty: that means everyone."""
    database_ipv4_networks: list[str]
    database_ipv6_networks: list[str]
    """Networks that reach PostgreSQL; both empty where a tunnel leads to it."""
    role_name: pulumi.Input[str]
    """Role that the machine is registered with at Systems Manager."""
    policies: list[pulumi.Resource]
    """What the role may do; made before the machine is registered."""
    specification: Spec
    """What the machine is to become, secrets by name; declared here and applied by HostConvergence."""


class PostgresHost(pulumi.ComponentResource):
    """A Lightsail instance with its data on a disk of its own and a static address.

    Almost every change of the instance replaces it and deletes its snapshots, so a resize is a restore
    onto a second host and never an edit here. What runs on it is brought about by HostConvergence, so its first
    script only registers it, and a changed one changes nothing.
    """

    instance_name: pulumi.Output[str]
    static_ip: pulumi.Output[str]
    """Address that stays when the instance is replaced."""
    ready: list[pulumi.Resource]
    """What must exist before something is applied to the machine: its disk, its address, its ports."""

    def __init__(self, name: str, args: PostgresHostArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        declared = {
            **args.labels.inputs(DataClass.REGULATED),
            "host": args.host.name,
            "specification": written(args.specification),
        }
        super().__init__("hybrid:postgres:PostgresHost", name, declared, opts)
        named = display_name(args.labels.prefix, args.host.name)
        tags = {**args.labels.tags(DataClass.REGULATED), HOST_TAG: named}
        registration = HostRegistration(
            name,
            HostRegistrationArgs(
                labels=args.labels, display_name=named, role_name=args.role_name, policies=args.policies
            ),
            pulumi.ResourceOptions(parent=self),
        )
        instance = self._instance(name, args, named, tags, registration.user_data)
        disk = self._data_disk(name, args, instance, named, tags)
        address = aws.lightsail.StaticIp(
            f"{name}-address", name=named, region=HOME_REGION, opts=args.protection.options(self)
        )
        attached_address = aws.lightsail.StaticIpAttachment(
            f"{name}-address-attachment",
            static_ip_name=address.name,
            instance_name=instance.name,
            region=HOME_REGION,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.ready = [disk, attached_address, self._ports(name, args, instance)]
        self.instance_name = instance.name
        self.static_ip = address.ip_address
        self.register_outputs({"instanceName": self.instance_name, "staticIp": self.static_ip})

    def _instance(
        self, name: str, args: PostgresHostArgs, named: str, tags: dict[str, str], user_data: pulumi.Output[str]
    ) -> aws.lightsail.Instance:
        key_pair = aws.lightsail.KeyPair(
            f"{name}-key",
            name=named,
            public_key=args.ssh_public_key,
            region=HOME_REGION,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        # In state: renaming this replaces the server.
        return aws.lightsail.Instance(
            f"{name}-instance",
            name=named,
            availability_zone=args.availability_zone,
            blueprint_id=args.host.blueprint,
            bundle_id=args.host.bundle,
            key_pair_name=key_pair.name,
            add_on={"type": "AutoSnapshot", "status": "Enabled", "snapshot_time": args.snapshot_time},
            user_data=user_data,
            region=HOME_REGION,
            tags=tags,
            # A changed user_data would destroy the instance and its snapshots
            # (hashicorp/terraform-provider-aws#48395).
            opts=args.protection.options(self, ignore_changes=["userData"]),
        )

    def _data_disk(
        self, name: str, args: PostgresHostArgs, instance: aws.lightsail.Instance, named: str, tags: dict[str, str]
    ) -> aws.lightsail.Disk_attachment:
        # In state: renaming this replaces the disk that the database lives on.
        disk = aws.lightsail.Disk(
            f"{name}-data",
            name=f"{named}-data",
            availability_zone=args.availability_zone,
            size_in_gb=args.host.disk_gb,
            region=HOME_REGION,
            tags=tags,
            opts=args.protection.options(self),
        )
        return aws.lightsail.Disk_attachment(
            f"{name}-data-attachment",
            disk_name=disk.name,
            instance_name=instance.name,
            disk_path=DATA_DISK_PATH,
            region=HOME_REGION,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _ports(
        self, name: str, args: PostgresHostArgs, instance: aws.lightsail.Instance
    ) -> aws.lightsail.InstancePublicPorts:
        return aws.lightsail.InstancePublicPorts(
            f"{name}-ports",
            instance_name=instance.name,
            region=HOME_REGION,
            port_infos=firewall(
                (args.admin_ipv4_networks, args.admin_ipv6_networks),
                (args.database_ipv4_networks, args.database_ipv6_networks),
            ),
            # Created first, the old list's deletion would close the ports just opened.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )


def display_name(prefix: str, host: str) -> str:
    """What a host is called in AWS, and the value of its tag."""
    return f"{prefix}-postgres-{host}"


def firewall(admins: Networks, database: Networks) -> list[aws.lightsail.InstancePublicPortsPortInfoArgsDict]:
    """SSH for administrators, and PostgreSQL for who is named; with nobody named its port is closed."""
    # Lightsail opens 22 to the world unless the list is owned.
    ports = [_port(SSH_PORT, admins)]
    return [*ports, _port(POSTGRES_PORT, database)] if all(database) else ports


def _port(port: int, networks: Networks) -> aws.lightsail.InstancePublicPortsPortInfoArgsDict:
    ipv4, ipv6 = networks
    return {"protocol": "tcp", "from_port": port, "to_port": port, "cidrs": ipv4, "ipv6_cidrs": ipv6}
