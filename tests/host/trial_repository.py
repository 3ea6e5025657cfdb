"""A package repository of packages that were taken apart and put together with other names and versions."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from host.packages import catalogue
from host.packages.openpgp import primary_fingerprints
from tests.host.bare_machine import BareMachine
from tests.host.running import PROJECT

KEY = "/usr/share/keyrings/debian-archive-keyring.gpg"
FOLDER = "opt/repository"
SOURCE, ALONE = "etc/apt/sources.list.d/trial.list", "etc/apt/trial.conf"
# For apt, by its $APT_CONFIG: no repository but this one.
ONLY = ("env", f"APT_CONFIG=/{ALONE}")
# As of a distribution's security updates, so that only what forbids a package keeps it from being taken.
RELEASE = (
    "Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nCodename: trixie-security\n"
    "Date: Sat, 21 Nov 2026 08:00:00 UTC\n"
)


def with_trial_keys(folder: Path, root: Path) -> Path:
    """The playbook with a key that is at hand in place of those of the vendors' archives."""
    copy = folder / "host"
    shutil.copytree(PROJECT / "host", copy, ignore=shutil.ignore_patterns("__pycache__"))
    known = ", ".join(f'"{one}"' for one in sorted(primary_fingerprints((root / KEY.removeprefix("/")).read_bytes())))
    module = copy / "packages" / "catalogue.py"
    text = module.read_text()
    for key in (catalogue.TIMESCALE_KEY, catalogue.CLOUDFLARE_KEY):
        for fingerprint in key.fingerprints:
            assert f'"{fingerprint}"' in text
            text = text.replace(f'"{fingerprint}"', known)
    module.write_text(text)
    return copy


class TrialRepository:
    """A repository in the machine's root, known to its apt; filled from what apt has in its cache."""

    def __init__(self, machine: BareMachine) -> None:
        self._machine = machine
        self._folder = machine.root / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._entries: list[str] = []
        (machine.root / SOURCE).write_text(f"deb [trusted=yes] file:/{FOLDER} ./\n")
        (machine.root / ALONE).write_text(f'Dir::Etc {{ SourceList "/{SOURCE}"; SourceParts "-"; }};\n')

    def add(self, package: str, *versions: str, name: str = "", files: dict[str, str] | None = None) -> None:
        """The package with other versions and name; `files`: texts that change in its files and their names."""
        original = fetched(self._machine, package)
        tree = self._folder / "tree"
        subprocess.run(["dpkg-deb", "--raw-extract", str(original), str(tree)], check=True)
        # For the just-in-time compiler, which host/ turns off: half of PostgreSQL's package.
        for folder in tree.glob("usr/lib/postgresql/*/lib/bitcode"):
            shutil.rmtree(folder)
        for old, new in (files or {}).items():
            _replace(tree, old, new)
        lines = (tree / "DEBIAN/control").read_text().splitlines()
        for version in versions:
            self._build(tree, name or package, version, [_changed(line, package, name, version) for line in lines])
        shutil.rmtree(tree)

    def add_program(self, package: str, version: str, program: str) -> None:
        """A package of one program."""
        tree = self._folder / "tree"
        for folder in ("DEBIAN", "usr/bin"):
            (tree / folder).mkdir(parents=True)
        (tree / "usr/bin" / package).write_text(program)
        (tree / "usr/bin" / package).chmod(0o755)
        control = [
            f"Package: {package}",
            f"Version: {version}",
            "Architecture: all",
            "Maintainer: trial",
            "Description: trial",
        ]
        self._build(tree, package, version, control)
        shutil.rmtree(tree)

    def _build(self, tree: Path, name: str, version: str, control: list[str]) -> None:
        (tree / "DEBIAN/control").write_text("\n".join(control) + "\n")
        made = self._folder / f"{name}_{version}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(tree), str(made)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        digest = hashlib.sha256(made.read_bytes()).hexdigest()
        facts = f"Filename: ./{made.name}\nSize: {made.stat().st_size}\nSHA256: {digest}\n"
        self._entries.append("\n".join(control) + "\n" + facts)

    def publish(self) -> None:
        listing = "\n".join(self._entries)
        (self._folder / "Packages").write_text(listing)
        digest = hashlib.sha256(listing.encode()).hexdigest()
        (self._folder / "Release").write_text(f"{RELEASE}SHA256:\n {digest} {len(listing.encode())} Packages\n")
        self._machine.told(*ONLY, "apt-get", "update", "-o", "APT::Get::List-Cleanup=0")


def fetched(machine: BareMachine, package: str) -> Path:
    """Debian's own, as it lies in the machine's cache of apt."""
    (found,) = (machine.root / "var/cache/apt/archives").glob(f"{package}_*.deb")
    return found


def told(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def version(machine: BareMachine, package: str) -> str:
    """Version of the package that was fetched, as its project counts."""
    return catalogue.upstream(told("dpkg-deb", "--field", str(fetched(machine, package)), "Version").strip())


def files(machine: BareMachine, package: str) -> str:
    """The names in the package that was fetched."""
    return told("dpkg-deb", "--contents", str(fetched(machine, package)))


def _changed(line: str, package: str, name: str, version: str) -> str:
    if line.startswith("Version: "):
        return f"Version: {version}"
    if line.startswith("Package: ") and name:
        return f"Package: {name}\nConflicts: {package}\nReplaces: {package}\nProvides: {package}"
    return line


def _replace(tree: Path, old: str, new: str) -> None:
    """Replaces a text in all files, binary ones too, which keep their lengths, and in their names."""
    assert len(old) == len(new)
    for path in sorted(tree.rglob("*"), reverse=True):
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if old.encode() in content:
                path.write_bytes(content.replace(old.encode(), new.encode()))
        if old in path.name:
            path.rename(path.with_name(path.name.replace(old, new)))
