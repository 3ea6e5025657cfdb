"""Packages: where they come from, which versions, installed, and kept as they are until the playbook changes them."""

from collections.abc import Generator, Iterable, Mapping

from pyinfra.api.operation import operation
from pyinfra.context import host
from pyinfra.operations import files

from host.common import layout
from host.common.facts import Content, Succeeds
from host.common.rendering import RefusedError, render, written
from host.packages import catalogue
from host.packages.catalogue import ArchiveKey
from host.packages.facts import Candidates, HasFreshLists, InstalledPackages, OsRelease, Simulation
from host.packages.openpgp import KeyFileError, primary_fingerprints
from host.specification.model import Spec

APT = (
    "DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get --yes --quiet=2 --no-install-recommends"
    # Another apt may run, as at the first boot. Settings that are there already stay.
    " -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold"
)
CHANGE = f"{APT} --allow-change-held-packages install"
# A repository that does not answer is no reason to stop while the others have what is needed.
UPDATE = f"{APT} -o Acquire::Retries=1 update"
LOCK_TRIES = 60
LOCK_SECONDS = 5
# Read after the package's own 20auto-upgrades and 50unattended-upgrades.
SECURITY_UPDATES = "/etc/apt/apt.conf.d/60hybrid"


def patient(command: str) -> str:
    """An apt-get command that waits for the locks of the lists and the archives: DPkg::Lock::Timeout is for dpkg's."""
    return (
        f"tries=0; until output=$(LC_ALL=C; export LC_ALL; {command} 2>&1); do code=$?; tries=$((tries + 1));"
        f' case "$output" in *"Could not get lock"*) test $tries -lt {LOCK_TRIES} && sleep {LOCK_SECONDS} && continue;;'
        ' esac; echo "$output" >&2; exit $code; done'
    )


def apply(spec: Spec) -> None:
    names = catalogue.wanted(spec)
    if spec.platform != "lightsail":
        _refuse_missing(names)
        return
    unfinished(name="installation that was killed")
    files.directory(name="folder of package settings", path="/etc/postgresql-common", mode="755")
    # Before the package whose programs read it: there is nothing yet that could check it.
    written(
        name="no cluster by itself",
        text="create_main_cluster = false\n",
        path=layout.CREATE_CLUSTER,
        owner="root",
        mode="644",
    )
    origins(spec)
    installed(name="packages", names=_with_time_service(names), spec=spec)
    timescaledb(name="TimescaleDB's package", spec=spec)
    libraries(name="TimescaleDB's library of databases that are not updated yet", spec=spec)
    held(name="packages held as they are", names=catalogue.held(spec))


def origins(spec: Spec) -> None:
    """Pins first, so that no repository is ever there without them."""
    written(
        name="package pins",
        text=catalogue.preferences(spec),
        path=layout.PREFERENCES,
        owner="root",
        mode="644",
        check="apt-cache -o Dir::Etc::Preferences={} -o Dir::Etc::PreferencesParts=/dev/null policy >/dev/null",
    )
    if not (catalogue.archive_keys(spec) or spec.packages.source == "vendor"):
        files.file(name="package sources", path=layout.SOURCES, present=False)
        return
    installed(name="package keys of the distribution", names=("ca-certificates", catalogue.KEY_PACKAGE), spec=spec)
    files.directory(name="folder of package keys", path=layout.KEYRINGS, mode="755")
    for key in catalogue.archive_keys(spec):
        archive_key(name=f"key of {key.url.split('/')[2]}", key=key)
    release = host.get_fact(OsRelease)
    written(
        name="package sources",
        text=catalogue.sources(spec, release.get("ID", ""), release.get("VERSION_CODENAME", "")),
        path=layout.SOURCES,
        owner="root",
        mode="644",
        # apt knows the format by the file's name.
        check="cp {} /run/hybrid-check.sources && apt-get -o Dir::Etc::SourceList=/run/hybrid-check.sources"
        " -o Dir::Etc::SourceParts=/dev/null indextargets >/dev/null",
    )


def _refuse_missing(names: Iterable[str]) -> None:
    has = host.get_fact(InstalledPackages).versions
    missing = [name for name in names if name not in has]
    if missing:
        raise RefusedError(
            "packages", f"not installed: {', '.join(missing)}; build the root file system or image again"
        )


def _with_time_service(names: tuple[str, ...]) -> tuple[str, ...]:
    has = host.get_fact(InstalledPackages).versions
    return names if any(name in has for name in catalogue.TIME_SERVICES) else (*names, catalogue.TIME_SERVICES[-1])


@operation()
def unfinished() -> Generator[str, None, None]:
    left = host.get_fact(InstalledPackages).unfinished
    if not left:
        host.noop("dpkg has nothing left to do")
        return
    yield "DEBIAN_FRONTEND=noninteractive dpkg --force-confold --configure --pending"
    yield patient(f"{APT} --fix-broken install")


@operation()
def archive_key(key: ArchiveKey) -> Generator[str, None, None]:
    """Fetched once, and taken only with the fingerprints that are known."""
    if _is_known(host.get_fact(Content, path=key.path), key):
        host.noop(f"{key.path} is the known key")
        return
    fresh = f"{key.path}.new"
    yield f"/usr/lib/apt/apt-helper download-file {key.url} {fresh}"
    if not _is_known(host.get_fact(Content, path=fresh), key):
        raise RefusedError(
            f"key of {key.url}", f"its fingerprint is none of {', '.join(sorted(key.fingerprints))}: not trusted"
        )
    yield f"chmod 644 {fresh} && mv {fresh} {key.path}"


def _is_known(content: bytes, key: ArchiveKey) -> bool:
    try:
        return primary_fingerprints(content) <= key.fingerprints
    except KeyFileError:
        return False


@operation()
def installed(names: tuple[str, ...], spec: Spec) -> Generator[str, None, None]:
    """Installs what is missing; held packages don't change for it."""
    has = host.get_fact(InstalledPackages).versions
    missing = [name for name in names if name not in has]
    if not missing:
        host.noop("all packages are there")
        return
    yield from lists(missing, catalogue.pinned(spec))
    source, edition = spec.packages.source, spec.packages.timescaledb_edition
    away = [f"{name}-" for name in catalogue.other_editions(spec.postgres.major, source, edition) if name in has]
    command = f"{CHANGE} {' '.join([*missing, *away])}"
    refuse_changes(f"installing {', '.join(missing)}", command, {*catalogue.held(spec)} - {*missing})
    yield patient(command)


@operation()
def timescaledb(spec: Spec) -> Generator[str, None, None]:
    """Upgrades TimescaleDB to its pin, and nothing else: PostgreSQL follows when every database has the new version."""
    pins = catalogue.pinned(spec)
    changes = catalogue.newer(host.get_fact(InstalledPackages).versions, pins, filter(catalogue.is_timescaledb, pins))
    older = catalogue.downgrades(changes)
    if older:
        raise RefusedError("packages", "; ".join(older))
    if not changes:
        host.noop("as pinned")
        return
    yield from lists(changes, pins)
    command = f"{CHANGE} {' '.join(changes)}"
    refuse_changes(f"upgrading {', '.join(changes)}", command, {*catalogue.held(spec)} - {*changes})
    # A database that is not updated yet lets nobody in without the library of its own version.
    folder = layout.libraries(spec.postgres.major)
    yield f"install -d {layout.LIBRARIES} && cp --preserve {folder}/timescaledb*-[0-9]*.so {layout.LIBRARIES}/"
    yield patient(command)


@operation()
def libraries(spec: Spec) -> Generator[str, None, None]:
    folder = layout.libraries(spec.postgres.major)
    lacking = f'cd {layout.LIBRARIES} && for name in *.so; do test -e "{folder}/$name" || exit 0; done; false'
    if host.get_fact(Succeeds, command=lacking):
        yield (
            f'cd {layout.LIBRARIES} && for name in *.so; do test -e "{folder}/$name"'
            f' || {{ cp --preserve "$name" "{folder}/$name.new" && mv "{folder}/$name.new" "{folder}/$name"; }}; done'
        )
    else:
        host.noop("no database lacks its library")


def lists(names: Iterable[str], pins: Mapping[str, str]) -> Generator[str, None, None]:
    """Fetch the lists of packages unless what is wanted is known from fresh ones; refuse what no repository has."""
    names = tuple(names)
    if host.get_fact(HasFreshLists) and not _unknown(names, pins):
        return
    yield f"( {patient(UPDATE)} ) || true"
    unknown = _unknown(names, pins)
    if unknown:
        raise RefusedError("packages", f"no repository has {', '.join(unknown)}")


def _unknown(names: tuple[str, ...], pins: Mapping[str, str]) -> list[str]:
    found = host.get_fact(Candidates, names=names)
    return [
        f"{name} {pins.get(name, '')}".strip()
        for name in names
        if name not in found or catalogue.upstream(found[name]) != pins.get(name, catalogue.upstream(found[name]))
    ]


def refuse_changes(act: str, command: str, kept: set[str]) -> None:
    found = host.get_fact(Simulation, command=command)
    moved = [f"{name} {old} to {new or 'removed'}" for name, (old, new) in found.items() if name in kept and old]
    if moved:
        raise RefusedError("packages", f"{act} would also change what is held: {', '.join(moved)}")


@operation()
def held(names: tuple[str, ...]) -> Generator[str, None, None]:
    state = host.get_fact(InstalledPackages)
    free = [name for name in names if name in state.versions and name not in state.held]
    if not free:
        host.noop("all are held")
        return
    yield f"apt-mark hold {' '.join(free)} >/dev/null"


def apply_security_updates(spec: Spec) -> None:
    written(
        name="security updates",
        text=security_updates_text(spec, host.get_fact(OsRelease).get("ID", "debian")),
        path=SECURITY_UPDATES,
        owner="root",
        mode="644",
        check="apt-config --config-file={} dump >/dev/null",
    )


def security_updates_text(spec: Spec, distribution: str) -> str:
    return render("unattended-upgrades.conf.j2", distribution=distribution, held=catalogue.held(spec))
