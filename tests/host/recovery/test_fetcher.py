"""What pgBackRest says of a segment, and what the recovery is told."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from host.recovery import fetcher
from host.recovery.fetcher import BETWEEN, FATAL, LOOKS, Fetcher
from host.recovery.pgbackrest import NOT_FOUND

NAME = "000000010000000000000008"


class Trial:
    """A cluster for which pgBackRest fails a number of times, each time with the same words."""

    def __init__(self, folder: Path, failures: int, message: str, code: int = 55) -> None:
        for name in ("asks", "answers", "wal", "settings"):
            (folder / name).mkdir()
        self._folder, self._left, self._message, self._code = folder, failures, message, code
        machine = SimpleNamespace(
            spec=SimpleNamespace(postgres=SimpleNamespace(cpus=1)), write=self._written, start=self._start
        )
        work: Any = SimpleNamespace(
            machine=machine, folder=folder, settings=folder / "settings", inside=lambda path: folder / path
        )
        repository: Any = SimpleNamespace(
            machine=machine,
            command=lambda command: [command],
            variables=dict,
            fault=lambda command, code, message: f"{command}: {code}: {message}",
        )
        self.fetcher = Fetcher(repository, work, {}, {}, taken=range(2, 4))

    def _start(self, argv: Sequence[str], **_: Any) -> "subprocess.Popen[str]":
        self._left -= 1
        script = f"echo '{self._message}'; exit {self._code}" if self._left >= 0 else f"echo log >{argv[-1]}"
        return subprocess.Popen(["sh", "-c", f"exec 1>&2; {script}"], text=True, stderr=subprocess.PIPE)

    @staticmethod
    def _written(path: Path, text: str) -> None:
        path.write_text(text)

    def asked(self, name: str = NAME) -> int:
        """The code that PostgreSQL is told."""
        (self._folder / "asks" / name).touch()
        self.fetcher._answer(self._folder / "asks" / name)
        return int((self._folder / "answers" / name).read_text())


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "LOOK_SECONDS", 0)


def test_a_look_in_between_is_taken_again(tmp_path: Path) -> None:
    trial = Trial(tmp_path, LOOKS - 1, f"pg_control from backup {BETWEEN}")
    assert trial.asked() == 0
    assert trial.fetcher.fault is None


def test_a_label_that_stays_away_is_a_fault(tmp_path: Path) -> None:
    trial = Trial(tmp_path, LOOKS, f"pg_control from backup {BETWEEN}")
    assert trial.asked() == FATAL
    assert BETWEEN in (trial.fetcher.fault or "")


def test_another_fault_is_one_at_once(tmp_path: Path) -> None:
    trial = Trial(tmp_path, 1, "no such bucket")
    assert trial.asked() == FATAL
    assert trial.fetcher.fault == f"{NAME}: archive-get: 55: no such bucket\n"


def test_numbers_that_are_taken_are_shown_to_whoever_looks_for_a_free_one(tmp_path: Path) -> None:
    trial = Trial(tmp_path, 3, "not found", NOT_FOUND)
    assert [trial.asked(f"{line:08X}.history") for line in (2, 3, 4)] == [0, 0, NOT_FOUND]
    assert (tmp_path / "wal/00000003.history").read_text() == ""
