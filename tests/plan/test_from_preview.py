"""A plan read from a preview."""

import json
from pathlib import Path

import pytest

from plan import from_preview, saved
from plan.errors import PlanError
from plan.model import Computed, Secret
from tests.plan.engine_files import (
    BUCKET,
    HOLDER,
    PROVIDER,
    UNKNOWN,
    everything,
    exported,
    previewed,
    stack,
    state,
    step,
)


def test_a_first_preview_shows_everything_and_nothing_before(tmp_path: Path) -> None:
    path = previewed(tmp_path, *(step("create", found) for found in everything()))
    plan = from_preview.read(path)
    assert [*plan.by_urn] == sorted([PROVIDER, HOLDER, BUCKET])
    assert plan.settings == {"hybrid:a": "1", "hybrid:b": Secret(Computed())}
    assert from_preview.read_previous(path) is None


def test_masks_are_secrets_and_unknown_values_computed(tmp_path: Path) -> None:
    found = state(BUCKET, inputs={"a": "[secret]", "b": UNKNOWN, "c": {"d": ["[secret]"]}})
    plan = from_preview.read(previewed(tmp_path, step("create", stack()), step("create", found)))
    assert plan.by_urn[BUCKET].inputs == {"a": Secret(Computed()), "b": Computed(), "c": {"d": [Secret(Computed())]}}


def test_a_component_is_known_by_its_inputs_until_it_registers_outputs(tmp_path: Path) -> None:
    new = state(HOLDER, inputs={"dataClass": "public"})
    plan = from_preview.read(previewed(tmp_path, step("create", stack()), step("create", new)))
    assert plan.by_urn[HOLDER].outputs == {"dataClass": "public"}


def test_what_goes_is_in_the_previous_plan_only(tmp_path: Path) -> None:
    bucket = state(BUCKET)
    path = previewed(tmp_path, step("same", stack(), stack()), step("delete", old=bucket))
    assert from_preview.read(path).resources == ()
    previous = from_preview.read_previous(path)
    assert previous is not None
    assert [*previous.by_urn] == [BUCKET]


def test_what_is_replaced_is_in_both_as_it_was_and_will_be(tmp_path: Path) -> None:
    # So the engine marks it.
    old, new = state(BUCKET, inputs={"bucket": "a"}, delete=True), state(BUCKET, inputs={"bucket": "b"})
    path = previewed(
        tmp_path,
        step("same", stack(), stack()),
        step("create-replacement", new, old),
        step("replace", new, old),
        step("delete-replaced", old=old),
    )
    previous = from_preview.read_previous(path)
    assert previous is not None
    assert previous.by_urn[BUCKET].inputs == {"bucket": "a"}
    assert from_preview.read(path).by_urn[BUCKET].inputs == {"bucket": "b"}


def test_a_preview_that_hides_what_stays_is_refused(tmp_path: Path) -> None:
    path = previewed(tmp_path, step("same", stack(), stack()), changeSummary={"same": 155})
    with pytest.raises(
        PlanError, match=r"shows 1 of the 155 resources that stay as they are; make it with .*show-sames"
    ):
        from_preview.read(path)


def test_a_preview_that_failed_is_refused(tmp_path: Path) -> None:
    diagnostics = [{"severity": "warning", "message": "w"}, {"severity": "error", "message": "e"}]
    path = previewed(tmp_path, step("create", stack()), diagnostics=diagnostics)
    with pytest.raises(PlanError, match="is a preview that failed"):
        from_preview.read(path)


@pytest.mark.parametrize("found", [{}, 1, {"op": "update", "urn": BUCKET, "newState": 3, "oldState": 3}])
def test_a_damaged_preview_is_refused(tmp_path: Path, found: object) -> None:
    path = previewed(tmp_path, step("create", stack()), changeSummary={})
    path.write_text(path.read_text().replace('"steps": [', f'"steps": [{json.dumps(found)}, '))
    with pytest.raises(PlanError, match="is damaged"):
        from_preview.read(path)


def test_a_damaged_past_is_refused(tmp_path: Path) -> None:
    path = previewed(tmp_path, step("create", stack()), {"op": "update", "urn": BUCKET, "oldState": 3})
    with pytest.raises(PlanError, match="is damaged"):
        from_preview.read_previous(path)


def test_a_state_is_no_preview(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is something else; allowed: what `pulumi preview --json"):
        from_preview.read(exported(tmp_path, *everything()))


def test_a_file_is_read_as_what_it_is(tmp_path: Path) -> None:
    for path in (exported(tmp_path, *everything()), previewed(tmp_path, *(step("create", s) for s in everything()))):
        assert [*saved.read(path).by_urn] == sorted([PROVIDER, HOLDER, BUCKET])
    (tmp_path / "x").write_text("{}")
    for name in ("x", "none"):
        with pytest.raises(PlanError):
            saved.read(tmp_path / name)
