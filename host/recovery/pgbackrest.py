"""Runs pgBackRest with the host's own settings, and says in one line why it failed."""

import json
import re
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from host.recovery.contract import Source
from host.recovery.errors import RecoveryError
from host.recovery.machine import Machine
from host.specification.model import Backup

SHORT_SECONDS = 300
CODES = {"lock": 50, "crypto": 95, "unreachable": 49}
"""pgBackRest's own exit codes (common/error)."""
UNREACHABLE = ("unable to connect", "HostConnectError", "TLS error", "unexpected eof while reading", "timeout after")
"""Its words for a store that is away; the last three, for one that goes away, or hangs, in the middle of an answer."""
CERTIFICATE = re.compile(r"unable to verify certificate presented by '[^']*': (?:\[\d+\] )?([^\n\[]*)")
FORBIDDEN = "failed with 403"
FAILS = re.compile(r"\[(?:429|50\d)\] [A-Za-z ]*[a-z]")
"""Its words for a store that answers, and not with what was asked for; it tries the last ones again."""
STORE_FULL = "[507]"
"""The local store's answer (local/object_store/application.py)."""
NOT_FOUND = 1
"""How archive-get ends when the archive does not have the file."""
ERROR = re.compile(r"ERROR: (?:\[(?P<code>\d+)\]: )?(?P<message>.*)", re.DOTALL)
RESTORING = re.compile(r"error restoring '(?:[^' ]*/data/)?([^']+)'")
DAMAGED = re.compile(r"checksum|ChecksumError|CryptoError|FormatError")
RETRIED = re.compile(r"\[\w+\] on (?:retry|\d+ retries) ")
NO_INI = "found outside of section"


@dataclass(frozen=True)
class Repository:
    """The backup repository as one act reads it; only the primary one, as it is now, may be written."""

    machine: Machine
    source: Source = field(default_factory=Source)
    data: PurePosixPath | None = None
    """The data directory that is worked on; the one that serves when None."""
    work: PurePosixPath | None = None
    """A folder for locks and spooled files, so that a restore does not meet the serving cluster's archiving."""

    @property
    def backup(self) -> Backup:
        return self.machine.spec.backup

    def variables(self) -> dict[str, str]:
        """Settings that differ from the host's and go before its file; a command ignores those it does not have."""
        found = {"LOG_LEVEL_CONSOLE": "off", "LOG_LEVEL_STDERR": "warn", "LOG_TIMESTAMP": "n", "ARCHIVE_ASYNC": "n"}
        if self.data:
            found["PG1_PATH"] = str(self.data)
            found["PROCESS_MAX"] = str(self.machine.spec.postgres.cpus)
        if self.work:
            found |= {"LOCK_PATH": f"{self.work}/lock", "SPOOL_PATH": f"{self.work}/spool"}
        if self.source.as_of:
            # It takes a time only together with the repository's number.
            found["REPO"] = "1"
            found["REPO_TARGET_TIME"] = self.source.as_of.strftime("%Y-%m-%d %H:%M:%S.%f+00")
        if self.source.repository == "copy":
            found |= self._copy()
        return {f"PGBACKREST_{name}": value for name, value in found.items()}

    def _copy(self) -> dict[str, str]:
        copy = self.backup.replica
        if copy is None:
            raise RecoveryError("source.repository: this host has no copy of its repository; only primary is there")
        host, _, port = copy.endpoint.partition(":")
        found = {"REPO1_S3_ENDPOINT": host, "REPO1_S3_BUCKET": copy.bucket, "REPO1_S3_REGION": copy.region}
        return found | ({"REPO1_STORAGE_HOST": host, "REPO1_STORAGE_PORT": port} if port else {})

    def command(self, command: str, *arguments: str) -> list[str]:
        return ["pgbackrest", f"--stanza={self.backup.stanza}", *arguments, command]

    def attempt(
        self, command: str, *arguments: str, extra: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run it, however it ends. Positional parameters go last in `arguments` after a `--`."""
        options = [argument for argument in arguments if argument.startswith("--")]
        paths = [argument for argument in arguments if not argument.startswith("--")]
        argv = [*self.command(command, *options), *paths]
        variables = {**self.variables(), **(extra or {})}
        return self.machine.run(argv, variables=variables, seconds=seconds)

    def run(
        self, command: str, *arguments: str, extra: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> str:
        """What it printed; raises RecoveryError."""
        answer = self.attempt(command, *arguments, extra=extra, seconds=seconds)
        if answer.returncode:
            raise RecoveryError(self.fault(command, answer.returncode, answer.stderr))
        return answer.stdout

    def json(self, command: str, *arguments: str) -> Any:
        return self.parsed(self.run(command, "--output=json", *arguments, seconds=SHORT_SECONDS))

    @staticmethod
    def parsed(text: str) -> Any:
        """pgBackRest's JSON, which may quote bytes of a file that it could not decrypt."""
        return json.loads(text or "null", strict=False)

    def fault(self, command: str, code: int, output: str) -> str:
        """One line that says why a command failed; no secret."""
        message = self._without_secrets(error_message(output)) or f"ended with {code} without output"
        if refused := self.refusal(message):
            return refused
        # Both come after `info` has decrypted the repository's own files, so the passphrase is the right one.
        reads_one = command in ("restore", "archive-get")
        if reads_one and (_is_undecipherable(code, message) or DAMAGED.search(message)):
            # Its helpers do not always say which.
            file = RESTORING.search(message)
            return (
                f"{command}: {file[1] if file else 'a file'}: is damaged in the repository: its content is not what was"
                " backed up; verify names the repository's file, and an earlier backup may be sound (set)"
            )
        if _is_undecipherable(code, message):
            return (
                f"backup repository {self.bucket}: it can't be decrypted: the passphrase is not the one that it was"
                " written with"
            )
        if code == CODES["unreachable"] or any(sign in message for sign in UNREACHABLE):
            return f"backup repository {self.bucket}: the store {self.endpoint} does not answer: {message}"
        if code == CODES["lock"]:
            return f"{command}: another backup, or what expires old ones, is running; wait for it"
        return f"{command}: {message}"

    def refusal(self, message: str) -> str | None:
        """Of a store that answers, and refuses or fails; what pgBackRest says of it reads like a fault of the files."""
        which = f"backup repository {self.bucket}: the store {self.endpoint}"
        if found := CERTIFICATE.search(message):
            return f"{which} shows a certificate that is not trusted, so nothing is asked of it: {found[1].strip()}"
        if FORBIDDEN in message:
            return f"{which} refuses this host with 403: its credentials have ended, or the bucket's policy forbids it"
        if STORE_FULL in message:
            return f"backup repository {self.bucket}: the disk of the store {self.endpoint} is full; make room there"
        if found := FAILS.search(message):
            return f"{which} fails with {found[0]}: its own fault, which may pass; try again"
        return None

    @property
    def bucket(self) -> str:
        copy = self.backup.replica
        return copy.bucket if copy and self.source.repository == "copy" else self.backup.bucket

    @property
    def endpoint(self) -> str:
        copy = self.backup.replica
        return copy.endpoint if copy and self.source.repository == "copy" else self.backup.endpoint

    def _without_secrets(self, message: str) -> str:
        for secret in (self.backup.cipher_passphrase, self.backup.key_secret):
            message = message.replace(secret, "[secret]") if secret else message
        return message


def error_message(output: str) -> str:
    """The first error that pgBackRest printed, without its hints, in one line."""
    parts = re.split(r"^(?=(?:P\d+ +)?(?:ERROR|WARN|INFO|DETAIL): )", output, flags=re.MULTILINE)
    errors = [found["message"] for part in parts if (found := ERROR.search(part))]
    if not errors:
        return one_line(output)
    return one_line(errors[0])


def one_line(message: str) -> str:
    """One line without hints, retries and binary noise, as a wrong passphrase produces."""
    lines = [line.strip() for line in message.splitlines()]
    # It says the same of a file and of its copy.
    kept = dict.fromkeys(line for line in lines if line and not line.startswith("HINT:") and not RETRIED.match(line))
    plain = "".join(letter if " " <= letter <= "~" else " " for letter in " ".join(kept))
    return textwrap.shorten(plain, 300, placeholder=" ...")


def _is_undecipherable(code: int, message: str) -> bool:
    # A file decrypted with another passphrase is no INI file any more, or its padding is wrong.
    return code == CODES["crypto"] or any(sign in message for sign in ("CryptoError", "cipher header invalid", NO_INI))
