"""Plans are read from what this program, or the engine, wrote."""

import json
from pathlib import Path

import pytest

from plan import saved
from plan.model import Computed, PlanError, Secret, Source
from tests.plan.engine_files import (
    BUCKET,
    HOLDER,
    PROVIDER,
    SIGNATURE,
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
    plan = saved.read_preview(path)
    assert [*plan.by_urn] == sorted([PROVIDER, HOLDER, BUCKET])
    assert plan.settings == {"hybrid:a": "1", "hybrid:b": Secret(Computed())}
    assert saved.read_previous(path) is None


def test_masks_are_secrets_and_unknown_values_computed(tmp_path: Path) -> None:
    found = state(BUCKET, inputs={"a": "[secret]", "b": UNKNOWN, "c": {"d": ["[secret]"]}})
    plan = saved.read_preview(previewed(tmp_path, step("create", stack()), step("create", found)))
    assert plan.by_urn[BUCKET].inputs == {"a": Secret(Computed()), "b": Computed(), "c": {"d": [Secret(Computed())]}}


def test_a_component_is_known_by_its_inputs_until_it_registers_outputs(tmp_path: Path) -> None:
    new = state(HOLDER, inputs={"dataClass": "public"})
    plan = saved.read_preview(previewed(tmp_path, step("create", stack()), step("create", new)))
    assert plan.by_urn[HOLDER].outputs == {"dataClass": "public"}


def test_what_goes_is_in_the_previous_plan_only(tmp_path: Path) -> None:
    bucket = state(BUCKET)
    path = previewed(tmp_path, step("same", stack(), stack()), step("delete", old=bucket))
    assert saved.read_preview(path).resources == ()
    previous = saved.read_previous(path)
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
    previous = saved.read_previous(path)
    assert previous is not None
    assert previous.by_urn[BUCKET].inputs == {"bucket": "a"}
    assert saved.read_preview(path).by_urn[BUCKET].inputs == {"bucket": "b"}


def test_a_preview_that_hides_what_stays_is_refused(tmp_path: Path) -> None:
    path = previewed(tmp_path, step("same", stack(), stack()), changeSummary={"same": 155})
    with pytest.raises(
        PlanError, match=r"shows 1 of the 155 resources that stay as they are; make it with .*show-sames"
    ):
        saved.read_preview(path)


def test_a_preview_that_failed_is_refused(tmp_path: Path) -> None:
    diagnostics = [{"severity": "warning", "message": "w"}, {"severity": "error", "message": "e"}]
    path = previewed(tmp_path, step("create", stack()), diagnostics=diagnostics)
    with pytest.raises(PlanError, match="is a preview that failed"):
        saved.read_preview(path)


@pytest.mark.parametrize("found", [{}, 1, {"op": "update", "urn": BUCKET, "newState": 3, "oldState": 3}])
def test_a_damaged_preview_is_refused(tmp_path: Path, found: object) -> None:
    path = previewed(tmp_path, step("create", stack()), changeSummary={})
    path.write_text(path.read_text().replace('"steps": [', f'"steps": [{json.dumps(found)}, '))
    with pytest.raises(PlanError, match="is damaged"):
        saved.read_preview(path)


def test_a_damaged_past_is_refused(tmp_path: Path) -> None:
    path = previewed(tmp_path, step("create", stack()), {"op": "update", "urn": BUCKET, "oldState": 3})
    with pytest.raises(PlanError, match="is damaged"):
        saved.read_previous(path)


def test_a_state_is_no_preview(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is something else; allowed: what `pulumi preview --json"):
        saved.read_preview(exported(tmp_path, *everything()))


def test_a_file_is_read_as_what_it_is(tmp_path: Path) -> None:
    for path in (exported(tmp_path, *everything()), previewed(tmp_path, *(step("create", s) for s in everything()))):
        assert [*saved.read(path).by_urn] == sorted([PROVIDER, HOLDER, BUCKET])
    (tmp_path / "x").write_text("{}")
    for name in ("x", "none"):
        with pytest.raises(PlanError):
            saved.read(tmp_path / name)


def test_resources_hang_together_as_in_a_recorded_plan(tmp_path: Path) -> None:
    plan = saved.read_state(exported(tmp_path, *everything()))
    assert (plan.project, plan.stack, [*plan.by_urn]) == ("hybrid", "dev", sorted([PROVIDER, HOLDER, BUCKET]))
    bucket = plan.by_urn[BUCKET]
    assert (bucket.name, bucket.custom, bucket.parent, bucket.provider) == ("bucket", True, HOLDER, PROVIDER)
    assert plan.by_urn[HOLDER].parent is None
    assert bucket.dependencies == tuple(sorted([PROVIDER, HOLDER]))
    assert bucket.property_dependencies == {"bucket": (HOLDER,), "size": ()}
    assert (bucket.options.protect, bucket.options.ignore_changes) == (True, ("tags",))


def test_secrets_are_marked_and_unknown(tmp_path: Path) -> None:
    plan = saved.read_state(exported(tmp_path, *everything()))
    hidden = Secret(Computed())
    assert plan.by_urn[BUCKET].inputs == {
        "bucket": "b",
        "size": 3,
        "key": hidden,
        "list": [{"a": hidden}],
        "none": None,
    }
    assert plan.outputs == {"url": "https://a", "key": hidden}


def test_what_the_engine_adds_to_a_provider_is_left_out(tmp_path: Path) -> None:
    plan = saved.read_state(exported(tmp_path, *everything()))
    assert plan.by_urn[PROVIDER].inputs == {"region": "ca-central-1"}


def test_a_declaration_is_looked_for_outside_libraries(tmp_path: Path) -> None:
    frames = [{}, {"sourcePosition": "project:///../x.py#1"}, {"sourcePosition": "project:///components/a%20b.py#12"}]
    library = "project:///.venv/lib/python3.11/site-packages/a.py#1"
    found = state(BUCKET, sourcePosition=library, stackTrace=frames)
    nowhere = state(HOLDER, sourcePosition=library)
    plan = saved.read_state(exported(tmp_path, stack(), found, nowhere))
    assert plan.by_urn[BUCKET].source == Source(path="components/a b.py", line=12)
    assert plan.by_urn[HOLDER].source is None


def test_a_default_provider_is_listed_and_referred_to_by_nobody(tmp_path: Path) -> None:
    default = "urn:pulumi:dev::hybrid::pulumi:providers:aws::default_7_51_1"
    bucket = state(BUCKET, provider=f"{default}::id")
    plan = saved.read_state(exported(tmp_path, stack(), state(default, inputs={"region": "us-east-1"}), bucket))
    assert plan.by_urn[BUCKET].provider is None
    assert plan.by_urn[default].inputs == {"region": "us-east-1"}


def test_what_may_still_be_there_is_judged_too(tmp_path: Path) -> None:
    old, pending = state(BUCKET, delete=True, inputs={"region": "us-east-1"}), state(f"{BUCKET}-2")
    left_over = state(f"{BUCKET}-3", delete=True)
    living = state(BUCKET, inputs={"region": "ca-central-1"})
    path = exported(
        tmp_path, stack(), old, living, left_over, pending_operations=[{"type": "creating", "resource": pending}]
    )
    plan = saved.read_state(path)
    twin = f"{BUCKET} (to be deleted)"
    assert [*plan.by_urn] == [BUCKET, twin, f"{BUCKET}-2", f"{BUCKET}-3"]
    assert plan.by_urn[BUCKET].inputs == {"region": "ca-central-1"}
    assert plan.by_urn[twin].inputs == {"region": "us-east-1"}
    assert [found.urn for found in plan.resources if found.is_left_over] == [twin]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": []}', "\xff", "[" * 100_000])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_bytes(text.encode("latin-1"))
    with pytest.raises(PlanError, match="allowed: what `pulumi stack export"):
        saved.read_state(tmp_path / "x")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="can't be read: No such file"):
        saved.read_state(tmp_path / "x")


def test_a_state_without_a_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="holds no stack"):
        saved.read_state(exported(tmp_path))


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path, *everything())
    path.write_text(path.read_text().replace('"version": 3,', '"version": 2,'))
    with pytest.raises(PlanError, match="another version; allowed: 3, 4"):
        saved.read_state(path)


@pytest.mark.parametrize("damage", [{"urn": "x"}, {"inputs": [1]}, {"dependencies": 3}, {"type": None}])
def test_a_damaged_state_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    with pytest.raises(PlanError, match="is damaged"):
        saved.read_state(exported(tmp_path, stack(), {**state(BUCKET), **damage}))


def test_decrypted_secrets_are_refused_and_not_repeated(tmp_path: Path) -> None:
    envelope = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hunter2"'}
    with pytest.raises(PlanError, match="holds decrypted secrets; make it again without --show-secrets") as caught:
        saved.read_state(exported(tmp_path, stack(), state(BUCKET, inputs={"a": [envelope]})))
    assert "hunter2" not in str(caught.value)


def test_unknown_values_are_computed(tmp_path: Path) -> None:
    plan = saved.read_state(exported(tmp_path, stack(), state(BUCKET, inputs={"a": UNKNOWN})))
    assert plan.by_urn[BUCKET].inputs == {"a": Computed()}


def test_an_asset_is_what_it_was_made_of(tmp_path: Path) -> None:
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "0" * 64, "path": "a.txt"}
    plan = saved.read_state(exported(tmp_path, stack(), state(BUCKET, inputs={"source": asset})))
    assert plan.by_urn[BUCKET].inputs == {"source": {"asset": {"path": "a.txt"}}}
