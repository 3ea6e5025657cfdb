"""What the packs say of plans: asked once, and remembered by all that it depends on.

That is the plan and the day, and the packs' sources and libraries (plan/inputs.py). What exemptions let pass is not in
it: the gate weighs those each time.
"""

import dataclasses
import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plan import codec
from plan.inputs import Inputs
from plan.memory import Memory
from plan.model import Plan
from policies.findings import Finding, JudgedRule, Subject

if TYPE_CHECKING:
    from policies.analyzer import Pack
    from policies.asking import Asked, Said

ANSWERS = Memory("answers")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one pack says."""

    rules: tuple[JudgedRule, ...]
    findings: tuple[Sequence[Finding], ...]
    """Of each plan."""


def of(
    subjects: Iterable[Subject], packs: "Sequence[Path | Pack]", day: date, memory: Memory | None, *, starts_early: bool
) -> tuple[list[Subject], list[Answer]]:
    """The subjects, all made, and what each pack says of them. Raises GateError when one can't do its work.

    The packs may start while the subjects are being made; else they start if they have to be asked.
    """
    asked: Future[Asked] = Future()
    with ThreadPoolExecutor(max_workers=len(packs)) as pool:
        running: list[Future[Said]] = []
        # Whatever comes, also between two starts: who waits for questions is told, or would wait for ever.
        try:
            # What the packs are made from, before they are.
            known = _Known(packs, day, memory)
            if starts_early:
                _start(running, pool, packs, day, asked)
            made = list(subjects)
            known.recall([subject.plan for subject in made])
            if known.is_whole:
                _end(asked, running, CancelledError())
            else:
                if not running:
                    _start(running, pool, packs, day, asked)
                asked.set_result(_questions(known.new))
                for pack, said in zip(packs, running, strict=True):
                    known.add(pack, said.result())
            return made, known.answers
        except BaseException as error:
            _end(asked, running, error)
            raise


def _start(
    running: "list[Future[Said]]",
    pool: ThreadPoolExecutor,
    packs: "Sequence[Path | Pack]",
    day: date,
    asked: "Future[Asked]",
) -> None:
    # Here, as below: importing it takes longer than reading all that is remembered.
    from policies import asking

    for pack in packs:
        running.append(pool.submit(asking.run, pack, day, asked))


def _questions(plans: Sequence[Plan]) -> "Asked":
    from policies.analyzer import Questions

    return [(plan, Questions.about(plan)) for plan in plans]


def _end(asked: "Future[Asked]", running: "Sequence[Future[Said]]", error: BaseException) -> None:
    if not asked.done():
        asked.set_exception(error)
    if running:
        from policies import analyzer

        analyzer.end_all()


class _Known:
    """What is known of some packs and plans: remembered, or said now."""

    def __init__(self, packs: "Sequence[Path | Pack]", day: date, memory: Memory | None) -> None:
        self._packs, self._memory = packs, memory
        self._inputs = Inputs.of_packs()
        self._inputs.prepare()
        self._day = self._inputs.key(day.isoformat()) if memory else ""
        self._plans: Sequence[Plan] = ()
        # What a pack was asked about, by its number in key and answer: a plan, or for its rules nothing.
        self._names: dict[int | None, str] = {None: "rules"}
        self._found: dict[tuple[Path | Pack, int | None], list[dict[str, Any]]] = {}
        self._new: list[int] = []

    def recall(self, plans: Sequence[Plan]) -> None:
        """Takes what is remembered of the plans."""
        self._plans = plans
        if self._memory:
            self._names |= {number: _text(plan) for number, plan in enumerate(plans)}
            for pack, number in itertools.product(self._packs, self._names):
                text = self._inputs.recall(self._memory, self._key(pack, number))
                if text is not None:
                    self._found[pack, number] = json.loads(text)
        numbers = range(len(plans))
        self._new = [number for number in numbers if not all((pack, number) in self._found for pack in self._packs)]

    @property
    def is_whole(self) -> bool:
        return len(self._found) == len(self._packs) * (len(self._plans) + 1)

    @property
    def new(self) -> list[Plan]:
        """Of which not every pack's answer is known."""
        return [self._plans[number] for number in self._new]

    @property
    def answers(self) -> list[Answer]:
        return [
            Answer(
                rules=tuple(JudgedRule(**rule) for rule in self._found[pack, None]),
                findings=tuple(
                    [Finding(**one) for one in self._found[pack, number]] for number in range(len(self._plans))
                ),
            )
            for pack in self._packs
        ]

    def add(self, pack: "Path | Pack", said: "Said") -> None:
        """What a pack says now, of itself and of the new plans."""
        new: dict[int | None, list[dict[str, Any]]] = {None: [dataclasses.asdict(rule) for rule in said.rules]}
        for number, found in zip(self._new, said.findings, strict=True):
            new[number] = [dataclasses.asdict(finding) for finding in found]
        self._found |= {(pack, number): found for number, found in new.items()}
        if self._memory:
            texts = {self._key(pack, number): json.dumps(found) for number, found in new.items()}
            self._inputs.keep(self._memory, texts, said.seen)

    def _key(self, pack: "Path | Pack", number: int | None) -> str:
        name = self._names[number]
        return self._inputs.key([self._day, str(pack), name]) if name and self._day else ""


def _text(plan: Plan) -> str:
    """All of a plan in short; empty where its text does not say all of it."""
    text = codec.dumps(plan, reveal_secrets=True, indent=None)
    return hashlib.sha256(text.encode()).hexdigest() if codec.loads(text, plan.stack) == plan else ""
