"""The project's packs, kept running over all tests of a process: they serve any number of plans."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from plan.model import Plan
from policies.gate import gate
from policies.packs import analyzer
from policies.packs.analyzer import Pack
from policies.packs.answers import folders
from policies.rules.findings import Verdict

_KEPT = contextlib.ExitStack()
_BY_FOLDER: dict[Path, Pack] = {}


def kept(names: Iterable[str] | None = None) -> list[Pack]:
    """Packs that run, all of them unless named; each is started when it is first asked for."""
    found = folders(names)
    for folder in found:
        if folder not in _BY_FOLDER:
            _BY_FOLDER[folder] = _KEPT.enter_context(analyzer.running(folder))
            # A gate that fails ends all that it finds there; these are not its own.
            analyzer._RUNNING.clear()
    return [_BY_FOLDER[folder] for folder in found]


def end() -> None:
    _BY_FOLDER.clear()
    _KEPT.close()


def owner(rule: str) -> str:
    """Name of the pack that has the rule; of the gate's own rules, which are judged beside each pack, of any."""
    found = [path.name for path, pack in zip(folders(), kept(), strict=True) if rule in _rules(pack)]
    return (found or [folders()[0].name])[0]


def _rules(pack: Pack) -> set[str]:
    return {policy.name for policy in pack.info.policies}


def judge(plans: Sequence[Plan], *names: str) -> list[Verdict]:
    """One verdict a plan, by all packs or by those named."""
    return gate.judge(plans, kept(names or None))


def rules(plans: Sequence[Plan], *names: str) -> list[set[str]]:
    """Names of the rules that each plan breaks, of all packs or of those named."""
    return [{finding.rule for finding in verdict.findings} for verdict in judge(plans, *names)]
