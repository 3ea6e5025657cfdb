"""The pack of every rule, on the engine."""

from pathlib import Path

import pytest

from policies.rules.findings import UNCHECKED
from tests.engine.test_engine_policies import BAD, UNKNOWN_REGION, refused
from tests.engine.trial_engine import TrialEngine

pytestmark = pytest.mark.engine

PACK = "--policy-pack=policies"


def test_every_rule_passes_the_stack(fresh: TrialEngine) -> None:
    output = fresh.run("preview", "--stack=prod", PACK)
    assert "hybrid@v" in output
    assert UNCHECKED not in output


def test_one_pack_stops_what_three_would(fresh: TrialEngine, tmp_path: Path) -> None:
    output = refused(fresh, tmp_path, BAD, PACK)
    broken = [line for line in output.splitlines() if "[mandatory]" in line]
    for rule in ("resources-are-in-canada", "secret-parameters-are-encrypted", "database-port-is-closed"):
        assert [line for line in broken if rule in line] != []


def test_an_unknown_value_breaks_a_rule_of_it(fresh: TrialEngine, tmp_path: Path) -> None:
    assert f"{UNCHECKED}: region is not known yet." in refused(fresh, tmp_path, UNKNOWN_REGION, PACK)
