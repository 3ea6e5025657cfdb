"""Settings under their old names: read for one release, with a warning that says where to change them."""

from pathlib import Path

import pytest

from components.settings.renamed import RENAMED, current
from components.settings.stack import Settings, SettingsError, parse
from components.settings.stack_file import StackFile
from plan.model import Plan, PlanError
from tests.changed_stack import record_with
from tests.components.settings.test_settings import given

OLD, NEW = "hybrid:databaseWay: direct\n", '"hybrid:databaseRoute": tunnel\n'
BOTH = "databaseWay: is the old name of databaseRoute, which is set, too"
PROJECT = "config:\n  databaseRoute:\n    default: tunnel\n"


@pytest.fixture
def file(tmp_path: Path) -> StackFile:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    return StackFile.of("dev", tmp_path)


def test_an_old_name_stands_for_the_new_one_and_is_warned_of(
    file: StackFile, capsys: pytest.CaptureFixture[str]
) -> None:
    file.path.write_text(f"config:\n  # A comment.\n  {OLD}")
    values, faults = current({"databaseWay": "direct", "databaseRoute": "tunnel"}, file)
    assert (values, faults) == ({"databaseRoute": "direct"}, [])
    assert capsys.readouterr().err == (
        "warning: Pulumi.dev.yaml:3: databaseWay is deprecated, its name is databaseRoute; "
        "the next release refuses the old one\n"
    )


def test_a_setting_from_elsewhere_is_warned_of_without_a_line(
    file: StackFile, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `pulumi up --config` and `--config-file` give it."""
    assert current({"databaseWay": "direct", "databaseRoute": "tunnel"}, file)[0] == {"databaseRoute": "direct"}
    assert capsys.readouterr().err.startswith("warning: databaseWay is deprecated, ")


def test_both_names_at_once_are_a_fault_with_both_lines(file: StackFile, capsys: pytest.CaptureFixture[str]) -> None:
    file.path.write_text(f"config:\n  {NEW}  {OLD}")
    values, faults = current({"databaseWay": "direct", "databaseRoute": "tunnel"}, file)
    assert faults == [f"{BOTH} (line 2); remove databaseWay"]
    assert not capsys.readouterr().err
    with pytest.raises(SettingsError) as caught:
        parse("dev", given(**{**values, "alarmEmail": "nobody"}), faults)
    assert len(caught.value.faults) == 2


def test_the_new_name_given_elsewhere_is_a_fault_too(file: StackFile) -> None:
    file.path.write_text(f"config:\n  {OLD}")
    assert current({"databaseWay": "tunnel", "databaseRoute": "direct"}, file)[1] == [f"{BOTH}; remove databaseWay"]


def test_without_an_old_name_no_file_is_read(tmp_path: Path) -> None:
    assert current({"databaseRoute": "direct"}, StackFile.of("dev", tmp_path / "absent")) == (
        {"databaseRoute": "direct"},
        [],
    )


def test_each_new_name_is_a_setting_and_no_old_one_is() -> None:
    names = {field.alias for field in Settings.model_fields.values()}
    assert names.issuperset(RENAMED.values())
    assert names.isdisjoint(RENAMED)


def test_the_program_takes_the_old_name(direct_plan: Plan, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert record_with(tmp_path, databaseWay="direct", hyperdriveFallback=False).resources == direct_plan.resources
    assert "databaseWay is deprecated" in capfd.readouterr().err


def test_the_program_refuses_both(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=f"{BOTH} "):
        record_with(tmp_path, databaseWay="direct", databaseRoute="direct")
