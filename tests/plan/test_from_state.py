"""A plan read from a state file."""

from pathlib import Path

import pytest

from plan import from_state
from plan.errors import PlanError
from plan.model import Computed, Secret, Source
from tests.plan.engine_files import BUCKET, HOLDER, PROVIDER, SIGNATURE, UNKNOWN, everything, exported, stack, state


def test_resources_hang_together_as_in_a_recorded_plan(tmp_path: Path) -> None:
    plan = from_state.read(exported(tmp_path, *everything()))
    assert (plan.project, plan.stack, [*plan.by_urn]) == ("hybrid", "dev", sorted([PROVIDER, HOLDER, BUCKET]))
    bucket = plan.by_urn[BUCKET]
    assert (bucket.name, bucket.custom, bucket.parent, bucket.provider) == ("bucket", True, HOLDER, PROVIDER)
    assert plan.by_urn[HOLDER].parent is None
    assert bucket.dependencies == tuple(sorted([PROVIDER, HOLDER]))
    assert bucket.property_dependencies == {"bucket": (HOLDER,), "size": ()}
    assert (bucket.options.protect, bucket.options.ignore_changes) == (True, ("tags",))


def test_secrets_are_marked_and_unknown(tmp_path: Path) -> None:
    plan = from_state.read(exported(tmp_path, *everything()))
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
    plan = from_state.read(exported(tmp_path, *everything()))
    assert plan.by_urn[PROVIDER].inputs == {"region": "ca-central-1"}


def test_a_declaration_is_looked_for_outside_libraries(tmp_path: Path) -> None:
    frames = [{}, {"sourcePosition": "project:///../x.py#1"}, {"sourcePosition": "project:///components/a%20b.py#12"}]
    library = "project:///.venv/lib/python3.11/site-packages/a.py#1"
    found = state(BUCKET, sourcePosition=library, stackTrace=frames)
    nowhere = state(HOLDER, sourcePosition=library)
    plan = from_state.read(exported(tmp_path, stack(), found, nowhere))
    assert plan.by_urn[BUCKET].source == Source(path="components/a b.py", line=12)
    assert plan.by_urn[HOLDER].source is None


def test_a_default_provider_is_listed_and_referred_to_by_nobody(tmp_path: Path) -> None:
    default = "urn:pulumi:dev::hybrid::pulumi:providers:aws::default_7_51_1"
    bucket = state(BUCKET, provider=f"{default}::id")
    plan = from_state.read(exported(tmp_path, stack(), state(default, inputs={"region": "us-east-1"}), bucket))
    assert plan.by_urn[BUCKET].provider is None
    assert plan.by_urn[default].inputs == {"region": "us-east-1"}


def test_what_may_still_be_there_is_judged_too(tmp_path: Path) -> None:
    old, pending = state(BUCKET, delete=True, inputs={"region": "us-east-1"}), state(f"{BUCKET}-2")
    left_over = state(f"{BUCKET}-3", delete=True)
    living = state(BUCKET, inputs={"region": "ca-central-1"})
    path = exported(
        tmp_path, stack(), old, living, left_over, pending_operations=[{"type": "creating", "resource": pending}]
    )
    plan = from_state.read(path)
    twin = f"{BUCKET} (to be deleted)"
    assert [*plan.by_urn] == [BUCKET, twin, f"{BUCKET}-2", f"{BUCKET}-3"]
    assert plan.by_urn[BUCKET].inputs == {"region": "ca-central-1"}
    assert plan.by_urn[twin].inputs == {"region": "us-east-1"}
    assert [found.urn for found in plan.resources if found.is_left_over] == [twin]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"deployment": []}', "\xff", "[" * 100_000])
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_bytes(text.encode("latin-1"))
    with pytest.raises(PlanError, match="allowed: what `pulumi stack export"):
        from_state.read(tmp_path / "x")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="can't be read: No such file"):
        from_state.read(tmp_path / "x")


def test_a_state_without_a_stack_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="holds no stack"):
        from_state.read(exported(tmp_path))


def test_a_state_of_another_version_is_refused(tmp_path: Path) -> None:
    path = exported(tmp_path, *everything())
    path.write_text(path.read_text().replace('"version": 3,', '"version": 2,'))
    with pytest.raises(PlanError, match="another version; allowed: 3, 4"):
        from_state.read(path)


@pytest.mark.parametrize("damage", [{"urn": "x"}, {"inputs": [1]}, {"dependencies": 3}, {"type": None}])
def test_a_damaged_state_is_refused(tmp_path: Path, damage: dict[str, object]) -> None:
    with pytest.raises(PlanError, match="is damaged"):
        from_state.read(exported(tmp_path, stack(), {**state(BUCKET), **damage}))


def test_decrypted_secrets_are_refused_and_not_repeated(tmp_path: Path) -> None:
    envelope = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "plaintext": '"hunter2"'}
    with pytest.raises(PlanError, match="holds decrypted secrets; make it anew without --show-secrets") as caught:
        from_state.read(exported(tmp_path, stack(), state(BUCKET, inputs={"a": [envelope]})))
    assert "hunter2" not in str(caught.value)


def test_unknown_values_are_computed(tmp_path: Path) -> None:
    plan = from_state.read(exported(tmp_path, stack(), state(BUCKET, inputs={"a": UNKNOWN})))
    assert plan.by_urn[BUCKET].inputs == {"a": Computed()}


def test_an_asset_is_what_it_was_made_of(tmp_path: Path) -> None:
    asset = {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "hash": "0" * 64, "path": "a.txt"}
    plan = from_state.read(exported(tmp_path, stack(), state(BUCKET, inputs={"source": asset})))
    assert plan.by_urn[BUCKET].inputs == {"source": {"asset": {"path": "a.txt"}}}
