"""Plans as JSON."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plan import codec
from plan.model import Computed, Plan, PlanError, Secret

leaves = st.none() | st.booleans() | st.integers() | st.text() | st.builds(Computed, st.text())
values = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner) | st.builds(Secret, inner)
)


@given(values)
def test_every_value_survives_a_round_trip(value: object) -> None:
    assert codec.decode(codec.encode(value, True)) == value


@given(st.text(min_size=12))
def test_a_masked_secret_leaves_nothing_behind(text: str) -> None:
    assert codec.encode([Secret(text)], False) == [{"$secret": "[secret]"}]


def test_a_whole_plan_survives_a_round_trip(dev_plan: Plan) -> None:
    assert codec.loads(codec.dumps(dev_plan, reveal_secrets=True), "plan") == dev_plan


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "is not JSON"),
        ("[]", "is not a plan of format 1"),
        ('{"format": 1}', "is damaged: project is missing"),
        ('{"format": 1, "project": "p", "stack": "s", "settings": {}, "outputs": {}, "resources": [1]}', "damaged"),
    ],
)
def test_a_file_that_is_no_plan_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "saved.json"
    path.write_text(text)
    with pytest.raises(PlanError, match=message) as caught:
        codec.read(path)
    assert str(path) in str(caught.value)
