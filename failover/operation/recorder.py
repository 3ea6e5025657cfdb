"""What an operation notes while it runs: the journal for the next run, steps and seconds for the evidence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from failover.common.clock import ApiClock, Budget
from failover.common.errors import FailoverError
from failover.operation.journal import Journal
from failover.operation.outcome import Outcome, Step

Say = Callable[[str], None]


@dataclass(kw_only=True)
class Recorder:
    outcome: Outcome
    journal: Journal
    budget: Budget
    clock: ApiClock
    say: Say
    _is_begun: bool = False

    def note(self, step: str, phase: str, **details: Any) -> None:
        """One line of the journal, on disk when this returns.

        Without its first line nothing begins. A disk that fills up later must not stop a rollback half-way.
        """
        try:
            self.journal.write(self.outcome.operation, step, phase, moment=self.clock.now(), **details)
        except FailoverError as error:
            if not self._is_begun:
                raise
            if str(error) not in self.outcome.warnings:
                self.outcome.warnings.append(str(error))
        self._is_begun = True

    @contextmanager
    def step(self, name: str) -> Iterator[list[str]]:
        """Times a step; what is appended becomes its detail."""
        at, detail, fault = self.budget.elapsed, list[str](), None
        self.say(name)
        try:
            yield detail
        except FailoverError as error:
            fault = str(error)
            raise
        finally:
            took = round(self.budget.elapsed - at, 3)
            self.outcome.steps.append(
                Step(name=name, at_seconds=round(at, 3), seconds=took, detail="; ".join(detail), fault=fault)
            )
