"""Brings WAL to a cluster that is cut off: it asks by files, and pgBackRest runs outside."""

import hashlib
import os
import re
import subprocess
import threading
from collections.abc import Collection, Container, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path, PurePosixPath

from durable import files
from host.recovery.clusters import Work
from host.recovery.inventory import Segment
from host.recovery.pgbackrest import NOT_FOUND, Repository
from host.recovery.plan import PREFETCHED
from host.recovery.wal import number_of, timeline_of, wal_name

SEGMENT_NAME = re.compile(r"[0-9A-F]{24}")
ASKED = re.compile(r"[0-9A-F]{24}|[0-9A-F]{8}\.history")
PROGRAM = "fetch.sh"
FATAL = 200
"""PostgreSQL ends its recovery when restore_command's code is above 125, and takes a lower one for the log's end."""
BETWEEN = "is not valid without backup_label"
"""pgBackRest reads pg_control, then looks for backup_label; as it begins, PostgreSQL writes the one and then takes the
other away. Whoever looks in between sees what would be a fault, and a moment later is none.
"""
LOOKS = 5
LOOK_SECONDS = 0.2
COPY_SECONDS = 60
# The engine's own number tells the command that it is gone; a wait without an end would outlive both.
SCRIPT = """\
rm -f "{work}/answers/$1"
: > "{work}/asks/$1"
until [ -e "{work}/answers/$1" ]; do
    [ -d /proc/{engine} ] || exit {fatal}
    sleep 0.01
done
code=$(cat "{work}/answers/$1")
[ "$code" = 0 ] || exit "$code"
exec mv "{work}/wal/$1" "$2"
"""


class Fetcher(threading.Thread):
    """Answers until it is stopped; fetches the next segments before they are asked for, and never more than a few."""

    def __init__(
        self,
        repository: Repository,
        work: Work,
        known: Mapping[int, Sequence[Segment]],
        own: Mapping[str, PurePosixPath],
        damaged: Collection[str] = (),
        taken: Container[int] = (),
    ) -> None:
        """`known` is what is known to be there, by timeline; of that `own` is not archived, and lies on the host.

        With what is `damaged` the log ends, as a plan that was made for it knows. `taken` are timelines after which the
        one has to come that the cluster begins.
        """
        super().__init__(daemon=True)
        self.fault: str | None = None
        """Why the recovery can't go on."""
        self.fetched = 0
        self._repository, self._work = repository, work
        self._last = {timeline: found[-1].number for timeline, found in known.items() if found}
        self._sha1 = {one.name: one.sha1 for found in known.values() for one in found}
        self._own, self._damaged, self._taken = own, damaged, taken
        self._pool = ThreadPoolExecutor(max_workers=max(2, repository.machine.spec.postgres.cpus))
        self._futures: dict[str, Future[int]] = {}
        self._running: set[subprocess.Popen[str]] = set()
        self._ending = threading.Event()
        script = SCRIPT.format(work=work.folder, engine=os.getpid(), fatal=FATAL)
        work.machine.write(work.settings / PROGRAM, script)

    @property
    def restore_command(self) -> str:
        return f'sh {self._work.settings}/{PROGRAM} %f "%p"'

    def run(self) -> None:
        try:
            self._answer_all()
        except Exception as error:  # noqa: BLE001 - a thread ends in silence, and the recovery would wait for ever
            self.fault = self.fault or f"restored cluster: its log can't be brought any more: {error!r}"

    def _answer_all(self) -> None:
        asks = self._work.inside("asks")
        while not self._ending.wait(0.01):
            for name in sorted(os.listdir(asks)):
                self._answer(asks / name)

    def stop(self) -> None:
        """End what is under way, too."""
        self._ending.set()
        for process in list(self._running):
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self.is_alive():
            self.join()

    def _answer(self, ask: Path) -> None:
        name = ask.name
        code = FATAL
        if ASKED.fullmatch(name):
            future = self._begun(name)
            if SEGMENT_NAME.fullmatch(name):
                for ahead in self._ahead(name):
                    self._begun(ahead)
            code = future.result()
            del self._futures[name]
        ask.unlink()
        # Not flushed: after a power cut nobody waits for it any more.
        files.replace(self._work.inside(f"answers/{name}"), str(code), mode=0o644, is_cache=True)

    def _ahead(self, name: str) -> list[str]:
        timeline, number = timeline_of(name), number_of(name)
        last = min(self._last.get(timeline, 0), number + PREFETCHED)
        return [wal_name(timeline, one) for one in range(number + 1, last + 1)]

    def _begun(self, name: str) -> Future[int]:
        if name not in self._futures:
            self._futures[name] = self._pool.submit(self._fetch, name)
        return self._futures[name]

    def _fetch(self, name: str) -> int:
        """0, NOT_FOUND, or FATAL with `fault` set."""
        if name in self._own:
            return self._copied(name)
        if name in self._damaged:
            return NOT_FOUND
        code, output = self._got(name)
        for _ in range(LOOKS - 1):
            if code == 0 or BETWEEN not in output or self._ending.wait(LOOK_SECONDS):
                break
            code, output = self._got(name)
        if code == NOT_FOUND:
            return self._absent(name)
        fault = self._damage(name) if code == 0 else f"{name}: {self._repository.fault('archive-get', code, output)}"
        if fault is None:
            self.fetched += 1
            return 0
        if not self._ending.is_set():
            self.fault = self.fault or fault
        return FATAL

    def _absent(self, name: str) -> int:
        """PostgreSQL looks for the first number that is free, which need not be above all."""
        if SEGMENT_NAME.fullmatch(name) or timeline_of(name) not in self._taken:
            return NOT_FOUND
        self._work.machine.write(self._work.folder / "wal" / name, "")
        return 0

    def _copied(self, name: str) -> int:
        argv = ["cp", "--reflink=auto", str(self._own[name]), f"{self._work.folder}/wal/{name}"]
        answer = self._repository.machine.run(argv, seconds=COPY_SECONDS)
        if answer.returncode:
            self.fault = self.fault or f"{name}: {' '.join(answer.stderr.split())}"
            return FATAL
        self.fetched += 1
        return 0

    def _got(self, name: str) -> tuple[int, str]:
        """How pgBackRest ended, and its output."""
        argv = [*self._repository.command("archive-get"), name, f"{self._work.folder}/wal/{name}"]
        process = self._repository.machine.start(argv, variables=self._repository.variables())
        self._running.add(process)
        if self._ending.is_set():
            # Begun while all the others were ended.
            process.kill()
        try:
            _, output = process.communicate()
        finally:
            self._running.discard(process)
        return process.returncode, output

    def _damage(self, name: str) -> str | None:
        """pgBackRest does not check what it fetches, and PostgreSQL takes a damaged record for the end of the log."""
        expected = self._sha1.get(name)
        content = self._work.inside(f"wal/{name}").read_bytes()
        if expected is None or hashlib.sha1(content, usedforsecurity=False).hexdigest() == expected:
            return None
        return f"{name}: is damaged in the archive: its content is not what was archived; verify names every such file"
