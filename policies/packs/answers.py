"""Where the packs are, and their answers about plans: asked for once, and remembered by all that they depend on.

That is the plan, the day, and the packs' sources and libraries (plan/inputs.py). Exemptions are not part of an answer:
the gate weighs them each time.
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
from policies.rules.findings import Finding, JudgedRule, Subject

if TYPE_CHECKING:
    from policies.packs.analyzer import Pack, PlanRequests, Response

ANSWERS = Memory("answers")


def folders(names: Iterable[str] | None = None) -> Sequence[Path]:
    """Folders of the packs, all of them unless named."""
    here = Path(__file__).resolve().parents[1]
    found = sorted(path.parent for path in here.glob("*/PulumiPolicy.yaml"))
    return [path for path in found if names is None or path.name in names]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A pack's rules, and its findings in each plan."""

    rules: tuple[JudgedRule, ...]
    findings: tuple[Sequence[Finding], ...]
    """Findings of each plan."""


def of(
    subjects: Iterable[Subject], packs: "Sequence[Path | Pack]", day: date, memory: Memory | None, *, starts_early: bool
) -> tuple[list[Subject], list[Answer]]:
    """The subjects, all recorded, and each pack's answer about them. Raises GateError when a pack fails.

    With `starts_early` the packs start while the subjects are being recorded, otherwise where an answer is missing.
    """
    requests: Future[PlanRequests] = Future()
    with ThreadPoolExecutor(max_workers=len(packs)) as pool:
        running: list[Future[Response]] = []
        # Whatever is raised, also between two starts: packs that wait for their requests would wait for ever.
        try:
            # Reads what the packs are made from before they start.
            known = _Known(packs, day, memory)
            if starts_early:
                _start(running, pool, packs, day, requests)
            made = list(subjects)
            known.recall([subject.plan for subject in made])
            if known.is_whole:
                _end(requests, running, CancelledError())
            else:
                if not running:
                    _start(running, pool, packs, day, requests)
                requests.set_result(_requests(known.new))
                for pack, response in zip(packs, running, strict=True):
                    known.add(pack, response.result())
            return made, known.answers
        except BaseException as error:
            _end(requests, running, error)
            raise


def _start(
    running: "list[Future[Response]]",
    pool: ThreadPoolExecutor,
    packs: "Sequence[Path | Pack]",
    day: date,
    requests: "Future[PlanRequests]",
) -> None:
    # Imported here, as below: that takes longer than reading all answers that are kept.
    from policies.packs import analyzer

    for pack in packs:
        running.append(pool.submit(analyzer.ask, pack, day, requests))


def _requests(plans: Sequence[Plan]) -> "PlanRequests":
    from policies.packs.analyzer import Requests

    return [(plan, Requests.about(plan)) for plan in plans]


def _end(requests: "Future[PlanRequests]", running: "Sequence[Future[Response]]", error: BaseException) -> None:
    if not requests.done():
        requests.set_exception(error)
    if running:
        from policies.packs import analyzer

        analyzer.end_all()


class _Known:
    """Answers of some packs about some plans: remembered, or given now."""

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
        """Takes the remembered answers about the plans."""
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
        """The plans for which not every pack's answer is known."""
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

    def add(self, pack: "Path | Pack", response: "Response") -> None:
        """Takes a pack's answer about its rules and the new plans."""
        new: dict[int | None, list[dict[str, Any]]] = {None: [dataclasses.asdict(rule) for rule in response.rules]}
        for number, found in zip(self._new, response.findings, strict=True):
            new[number] = [dataclasses.asdict(finding) for finding in found]
        self._found |= {(pack, number): found for number, found in new.items()}
        if self._memory:
            texts = {self._key(pack, number): json.dumps(found) for number, found in new.items()}
            self._inputs.keep(self._memory, texts, response.seen)

    def _key(self, pack: "Path | Pack", number: int | None) -> str:
        name = self._names[number]
        return self._inputs.key([self._day, str(pack), name]) if name and self._day else ""


def _text(plan: Plan) -> str:
    """Hash of a plan; empty where its text does not say all of it."""
    text = codec.dumps(plan, reveal_secrets=True, indent=None)
    return hashlib.sha256(text.encode()).hexdigest() if codec.loads(text, plan.stack) == plan else ""
