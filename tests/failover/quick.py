"""Waiting that is not what is tested, made short."""

from collections.abc import Sequence

from failover.common.clock import NEVER
from failover.common.ids import Ids
from failover.common.terms import Side
from failover.probe.watch import IN_A_ROW, View, _Watcher

# Of clients: no answer here takes long.
PAUSE_SECONDS = 0.02
# Before an API that has failed is asked again.
BACKOFF_SECONDS = 0.05
# What these emulated sides do not answer to so many questions, they never will.
ENOUGH = IN_A_ROW + 3


class ImpatientView(View):
    """Gives a side up when each client has had enough answers, and does not wait for the deadline.

    Counted in answers and not in seconds: on a busy machine what does hold still has its time.
    """

    def __init__(self, ids: Ids) -> None:
        super().__init__(ids, pause_seconds=PAUSE_SECONDS)
        self._answered: list[_Watcher] = []

    def _once(self, one: _Watcher, wanted: Side | None, until: float = NEVER) -> None:
        super()._once(one, wanted, until)
        self._answered.append(one)

    def is_over(self, watchers: Sequence[_Watcher], deadline: float) -> bool:
        answers = [sum(other is one for other in self._answered) for one in watchers]
        return super().is_over(watchers, deadline) or min(answers) >= ENOUGH
