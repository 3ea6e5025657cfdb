"""The data disk: found, made ready once, mounted; a cluster is never made beside it."""

from collections.abc import Generator

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.facts.files import File, FileContents
from pyinfra.operations import files

from host.disks import Decision, Device, ballast_bytes, decide, find
from host.facts.block_devices import BlockDevices, IsZero, MountedLabel, Signature, Space
from host.layout import OWNER
from host.machine_layout import BALLAST, DATA_MOUNT, DISK_LABEL, KEPT
from host.refusal import RefusedError
from host.specification.model import Disk

# Without the disk the machine still boots and can be reached; PostgreSQL's service then does not start.
FSTAB = f"LABEL={DISK_LABEL} {DATA_MOUNT} ext4 defaults,noatime,nofail,x-systemd.device-timeout=30s 0 2"
FORMATTING = f"{KEPT}/formatting"


def apply(declared: Disk | None) -> None:
    if declared is None:
        return
    data_disk(name="data disk", declared=declared)
    files.line(name="mount at boot", path="/etc/fstab", line=rf"^LABEL={DISK_LABEL}\s.*", replace=FSTAB)
    files.directory(name="folder of the data disk", path=DATA_MOUNT, user=OWNER, group=OWNER, mode="755")
    ballast(name="ballast")


def guard(declared: Disk | None) -> None:
    """Refuses to go on where data would end up on the root disk."""
    if declared is not None and host.get_fact(MountedLabel, path=DATA_MOUNT) != DISK_LABEL:
        raise RefusedError(
            "data disk", f"{DATA_MOUNT}: the declared disk {declared.path} isn't mounted there; no database is made"
        )


@operation()
def data_disk(declared: Disk) -> Generator[str, None, None]:
    decision = _decision(declared)
    if decision.act == "refuse":
        raise RefusedError("data disk", decision.words)
    if decision.act == "none":
        host.noop("the data disk is mounted")
        return
    yield f"mkdir -p {DATA_MOUNT}"
    _refuse_hidden_data()
    if decision.act == "format":
        # The note tells a disk whose formatting was killed from one that holds something unknown.
        yield f"install -d -m 700 {KEPT} && echo {decision.path} >{FORMATTING}"
        yield f"mkfs.ext4 -q -m 1 -L {DISK_LABEL} {decision.path} && rm -f {FORMATTING}"
    yield f"mount -o noatime {decision.path} {DATA_MOUNT}"


def _decision(declared: Disk) -> Decision:
    named = host.get_fact(BlockDevices, path=declared.path)
    found = find(declared, named, host.get_fact(BlockDevices, path=None))
    if isinstance(found, Decision):
        return found
    path = declared.path if named else found.path
    signature = host.get_fact(Signature, path=path)
    seen = Device(
        name=found.name,
        path=path,
        kind=found.kind,
        size=found.size,
        filesystem=signature.get("TYPE") or found.filesystem,
        label=signature.get("LABEL") or found.label,
        mounts=found.mounts,
        parts=found.parts,
    )
    # 2 is blkid's word for nothing found; 8 for more than one answer.
    was_killed = (host.get_fact(FileContents, path=FORMATTING) or [""])[0] == path
    is_blank = signature.get("EXIT") == "2" and (was_killed or host.get_fact(IsZero, path=path))
    return decide(declared, seen, is_blank=is_blank)


def _refuse_hidden_data() -> None:
    """A mount would hide what is there already."""
    for major in range(10, 30):
        if host.get_fact(File, path=f"{DATA_MOUNT}/{major}/main/PG_VERSION"):
            raise RefusedError(
                "data disk",
                f"{DATA_MOUNT}/{major}/main holds a cluster on the root disk; move it to the data disk first",
            )


@operation()
def ballast() -> Generator[str, None, None]:
    size = ballast_bytes(*host.get_fact(Space, path=DATA_MOUNT))
    if host.get_fact(File, path=BALLAST) or not size:
        host.noop("the ballast is there, or there is no room for it")
        return
    yield f"fallocate --length {size} {BALLAST}.new && chmod 600 {BALLAST}.new && mv {BALLAST}.new {BALLAST}"
