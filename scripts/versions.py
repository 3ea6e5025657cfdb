"""Versions in use that are not locked, beside those with which the tests last passed, and what moved.

python -m scripts.versions              what moved, the lockfiles since their last commit included
python -m scripts.versions --markdown   the same as a table
python -m scripts.versions --passed     writes down what is in use: after `make test`, through `make passed`
"""

import argparse
import json
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local.host import root_filesystem
from plan.project import ROOT
from scripts import debian_packages, machine

PASSED = ROOT / "scripts/last_passed.json"
DEBIAN, MACHINE = "Debian root", "machine"
PROGRAMS = {
    name
    for commands in (
        debian_packages.COMMANDS,
        debian_packages.ORDINARY_USER_COMMANDS,
        debian_packages.TEST_COMMANDS,
        debian_packages.ROOT_TEST_COMMANDS,
        debian_packages.OPTIONAL_COMMANDS,
    )
    for name in commands.values()
}
LOCKS = {"Python": "requirements.lock", "Python of a host": "host/requirements.lock", "Node.js": "package-lock.json"}

Versions = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Move:
    """A version that is another one than before; None where there was none, or is none any more."""

    place: str
    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        return f"{self.place}: {self.name} {self.before or 'none'} → {self.after or 'none'}"


def in_use() -> dict[str, Versions]:
    """Versions by place. A root file system that is not built, and a program that is not here, have none."""
    return {DEBIAN: root_filesystem.versions(), MACHINE: dict(_machine())}


def passed() -> dict[str, Versions]:
    """Versions with which the tests last passed, by place."""
    found: dict[str, Versions] = json.loads(PASSED.read_text())["versions"]
    return found


def passed_on() -> str:
    return str(json.loads(PASSED.read_text())["on"])


def write_down(used: Mapping[str, Versions]) -> None:
    document = {"on": f"{datetime.now(UTC):%Y-%m-%d}", "versions": used}
    PASSED.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")


def moved(before: Mapping[str, Versions], after: Mapping[str, Versions]) -> list[Move]:
    """Changes in the places that are seen now."""
    return [
        Move(place=place, name=name, before=was.get(name), after=now.get(name))
        for place, now, was in ((place, now, before.get(place, {})) for place, now in after.items() if now)
        for name in sorted({*was, *now})
        if was.get(name) != now.get(name)
    ]


def _machine() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    if node := machine.node_version():
        yield "node", node.removeprefix("v")
    if npm := _npm():
        yield "npm", npm
    # 1 where it does not know one of them.
    query = ("dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package} ${Version}\n", *PROGRAMS)
    listed = machine.printed(*query, codes=(0, 1))
    yield from re.findall(r"^installed (\S+) (\S+)$", listed, re.MULTILINE)


def _npm() -> str | None:
    """Version from npm's package: npm itself takes half a second to say it."""
    program = shutil.which("npm")
    package = Path(program).resolve().parents[1] / "package.json" if program else None
    found = json.loads(package.read_text()) if package and package.is_file() else {}
    return found.get("version") if found.get("name") == "npm" else None


def locked(name: str, text: str) -> Versions:
    """What a lockfile pins; nothing where there is none."""
    if name.endswith(".json"):
        packages = json.loads(text or '{"packages": {}}')["packages"]
        return {path: package["version"] for path, package in packages.items() if path and "version" in package}
    return dict(re.findall(r"^([\w.\[\],-]+)==([^\s;]+)", text, re.MULTILINE))


def locks_moved() -> list[Move]:
    """Changes in the lockfiles since the last commit."""
    names = LOCKS.items()
    before = {place: locked(name, machine.printed("git", "show", f"HEAD:{name}", folder=ROOT)) for place, name in names}
    return moved(before, {place: locked(name, (ROOT / name).read_text()) for place, name in names})


def table(moves: list[Move], since: str) -> str:
    """The moves as a table in Markdown."""
    if not moves:
        return f"Nothing moved since {since}, when the tests last passed.\n"
    rows = [f"| {move.place} | {move.name} | {move.before or ''} | {move.after or ''} |\n" for move in moves]
    title = f"What moved since {since}, when the tests last passed"
    return f"### {title}\n\n| | | then | now |\n|---|---|---|---|\n{''.join(rows)}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--markdown", action="store_true", help="as a table")
    parser.add_argument("--passed", action="store_true", help="write down what is in use")
    wanted = parser.parse_args()
    used = in_use()
    if wanted.passed:
        if not used[DEBIAN]:
            print("versions: the Debian root file system is not built; `make test` builds it", file=sys.stderr)
            return 1
        write_down(used)
        return 0
    moves = [*moved(passed(), used), *locks_moved()]
    if wanted.markdown:
        print(table(moves, passed_on()), end="")
        return 0
    for move in moves:
        print(move)
    if moves:
        print(
            f"moved since the tests last passed ({passed_on()}); `make passed` writes down what is in use",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
