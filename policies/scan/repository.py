"""Secrets in the repository's files and in its history."""

import codecs
import functools
import hashlib
import re
import secrets
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from plan import yaml_text
from policies.errors import GateError
from policies.scan import connections, patterns, randomness, scanner, wrapping

# Lines of the history that look like secrets and are none: fingerprint and reason.
KNOWN_LINES = Path(__file__).resolve().parents[1] / "known_lines.yaml"
TIMEOUT_SECONDS = 300
# A longer line is generated, and much in it is random: beyond this only the issuers' formats count.
LONGEST_LINE = 4_000
# Where a word without quotes is a name, by the ends of their files' names. In others it is a value.
CODE = re.compile(r"\.(py|pyi|[cm]?[jt]sx?|sql|go|rs|rb|java|cs|php|tf|hcl|html|css|svg|lock)$", re.IGNORECASE)
# An entry of the list itself, which looks like a secret: only what follows is judged.
ENTRY = re.compile(r"^\s*[0-9a-f]{16}: ")
# As text, because a line of .gitattributes takes any file for a binary one, whose lines git then keeps to itself. What
# else whoever runs the search has set to his liking must not change what is searched.
PATCHES = (
    "--diff-merges=separate",
    "-p",
    "-U0",
    "--text",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--dst-prefix=b/",
)
FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)
# In an added line, as of a picture.
NO_TEXT = re.compile(r"^\+[^\n]*\0", re.MULTILINE)
HUNK = re.compile(r"@@ -\S+ \+(\d+)")
LITERAL_KIND = "a literal that is called like a secret"
# What tests make up. A real key's body, and a real token, are found by their entropy and by their issuer's format.
INVENTED = frozenset(
    (
        "a connection string with a password",
        "a connection string's password",
        "a password's hash",
        "a private key",
        "an address with a password among its parameters",
        LITERAL_KIND,
    )
)
TESTS = re.compile(r"(^|/)tests?/|\.test\.[a-z]+$|(^|/)test_[^/]*$")


@dataclass(frozen=True, kw_only=True)
class Found:
    """One line that holds a secret; never the secret itself."""

    path: str
    """Relative to the repository, or empty for a commit's message."""
    line: int
    what: str
    commit: str = ""
    """That added the line; empty for a file as it is now."""

    fingerprint: str = ""
    """Fingerprint of the line, for policies/known_lines.yaml."""

    @property
    def place(self) -> str:
        """File and line as they are now; empty for a line of an old commit."""
        return f"{self.path}:{self.line}" if self.path and not self.commit else ""

    @property
    def message(self) -> str:
        where = "This line"
        if self.commit:
            line = f"line {self.line} of {self.path}" if self.path else "the message"
            where = f"Commit {self.commit[:12]}, {line}"
        return f"{where} holds {self.what} (fingerprint {self.fingerprint}). {scanner.advice(self.what)}"


def files(root: Path) -> list[Found]:
    """Secrets in the files as they are, also in those that are not committed yet. Raises GateError."""
    return [found for name in _names(root) for found in _in_file(root, name)]


def history(root: Path) -> list[Found]:
    """Secrets in any line that any commit ever added, and in the commits' messages. Raises GateError."""
    if _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise GateError("repository: has no whole history (a shallow clone); fetch all of it: git fetch --unshallow")
    # Nobody who writes a file or a message can know it, and so end what is searched.
    mark = f"hybrid-{secrets.token_hex(16)}"
    log = _git(root, "log", "--all", *PATCHES, f"--format={mark}-commit%n%H%n%B{mark}-patch")
    tags = _git(root, "for-each-ref", "refs/tags", f"--format={mark}-commit%0a%(objectname)%0a%(contents){mark}-patch")
    commits = (log + tags).split(f"{mark}-commit\n")[1:]
    return list(dict.fromkeys(found for one in commits for found in _in_commit(one, f"{mark}-patch")))


def searched(root: Path) -> tuple[int, int]:
    """How many files and commits `files` and `history` search. Raises GateError."""
    return sum(_is_file(root / name) for name in _names(root)), int(_git(root, "rev-list", "--all", "--count"))


def unused_known_lines() -> list[tuple[int, str]]:
    """Line and fingerprint of each known line that no search of this process has found."""
    lines = KNOWN_LINES.read_text().splitlines()
    return [
        (number, mark)
        for mark in known_lines()
        if mark not in _used
        for number, line in enumerate(lines, 1)
        if line.startswith(mark)
    ]


def used_known_lines() -> list[str]:
    """Fingerprint and reason of each known line that a search of this process has let pass."""
    return [f"{mark}: {reason}" for mark, reason in known_lines().items() if mark in _used]


def _names(root: Path) -> list[str]:
    listed = _git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
    return [name for name in listed.split("\0") if name]


def _is_file(path: Path) -> bool:
    # A link's target is listed by itself, or is not the repository's.
    return path.is_file() and not path.is_symlink()


def _in_file(root: Path, name: str) -> Iterator[Found]:
    path = root / name
    if not _is_file(path):
        return
    data = path.read_bytes()
    is_wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if is_wide or b"\0" not in data:
        text = data.decode("utf-16" if is_wide else "utf-8", errors="replace")
        yield from _in_lines(name, enumerate(text.splitlines(), 1))


def _in_commit(text: str, end_of_message: str) -> Iterator[Found]:
    commit, _, rest = text.partition("\n")
    message, _, patch = rest.partition(end_of_message)
    for line in message.splitlines():
        yield from _in_lines("", [(0, line)], commit)
    for file in FILE.split(patch):
        # As in `_in_file`.
        if not NO_TEXT.search(file):
            yield from _in_patch(file, commit)


def _in_patch(text: str, commit: str) -> Iterator[Found]:
    """Lines with secrets in one file's patch."""
    path, number, is_header = "", 0, True
    # By git's own end of a line: what follows another one, as a form feed, bears no + of its own.
    for line in text.split("\n"):
        if hunk := HUNK.match(line):
            number, is_header = int(hunk[1]), False
        elif is_header:
            # Further down it is an added line that begins with two signs.
            if line.startswith("+++ "):
                path = _path(line.removeprefix("+++ "))
        elif line.startswith("+"):
            yield from _in_lines(path, ((number, part) for part in line[1:].splitlines()), commit)
            number += 1


def _path(name: str) -> str:
    """The path without what git puts around names with special characters."""
    return name.removesuffix("\t").strip('"').removeprefix("b/")


def _in_lines(path: str, lines: Iterable[tuple[int, str]], commit: str = "") -> Iterator[Found]:
    for number, line in lines:
        for what in in_line(line, is_code=CODE.search(path) is not None):
            if what in INVENTED and TESTS.search(path):
                continue
            yield Found(path=path, line=number, what=what, commit=commit, fingerprint=fingerprint(line))


def fingerprint(line: str) -> str:
    """Fingerprint of a line without its indentation, for the list of known ones."""
    return hashlib.sha256(line.strip().encode()).hexdigest()[:16]


_used: set[str] = set()


@functools.cache
def known_lines() -> dict[str, str]:
    """Lines that look like secrets and are none: reasons by fingerprint. Raises GateError."""
    try:
        document = yaml_text.load(KNOWN_LINES.read_text()) or {}
        return {str(mark): str(reason) for mark, reason in document.items()}
    except (OSError, yaml.YAMLError, AttributeError) as error:
        raise GateError(f"{KNOWN_LINES.name}: can't be read: {type(error).__name__}") from None


# A line stays the same over many commits.
@functools.lru_cache(maxsize=500_000)
def in_line(line: str, *, is_code: bool = False) -> tuple[str, ...]:
    """Phrases for the kinds of secret in a line of code or settings."""
    if len(line) < patterns.SHORTEST:
        return ()
    kinds = _kinds(ENTRY.sub("", line), is_code)
    # Last, because a fingerprint costs more than most lines' search.
    if kinds and (mark := fingerprint(line)) in known_lines():
        _used.add(mark)
        return ()
    return kinds


def _kinds(text: str, is_code: bool) -> tuple[str, ...]:
    kinds: dict[str, None] = {}
    for layer in wrapping.layers(text[:LONGEST_LINE]):
        kinds.update(dict.fromkeys(patterns.found(layer.text)))
        kinds.update(dict.fromkeys(randomness.held_in_code(layer.rest)))
    if len(text) > LONGEST_LINE:
        kinds.update(dict.fromkeys(patterns.found(text)))
    if connections.sets_in_code(text[:LONGEST_LINE]) or (
        not is_code and connections.sets_in_a_file(text[:LONGEST_LINE])
    ):
        kinds[LITERAL_KIND] = None
    return tuple(kinds)


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "-c", "core.quotePath=false", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GateError(f"repository: git {arguments[0]} can't be run: {type(error).__name__}") from None
    if done.returncode:
        raise GateError(f"repository: git {arguments[0]} failed: is {root.name} a repository, and git installed?")
    return done.stdout.decode(errors="replace")
