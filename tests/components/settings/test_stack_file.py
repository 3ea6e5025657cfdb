"""Lines of settings in a stack's file."""

from pathlib import Path

import pytest

from components.settings.stack_file import StackFile
from plan.model import PlanError
from tests.changed_stack import record_with

TEXT = """# A comment.
config:
  pulumi:tags: {a: b}
  alarmEmail: x
  "hybrid:postgresHosts":
    - name: a
    - name: b
      bundle: large_3_0
"""


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("alarmEmail", "Pulumi.dev.yaml:4: "),
        ("hybrid:alarmEmail", "Pulumi.dev.yaml:4: "),
        ("pulumi:tags", "Pulumi.dev.yaml:3: "),
        ("postgresHosts", "Pulumi.dev.yaml:5: "),
        ("postgresHosts.1.bundle", "Pulumi.dev.yaml:8: "),
        ("postgresHosts.0.bundle", "Pulumi.dev.yaml:6: "),
        ("owner", ""),
    ],
)
def test_a_setting_is_found_and_of_a_missing_part_what_would_hold_it(tmp_path: Path, setting: str, place: str) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text(TEXT)
    assert StackFile.of("dev", tmp_path).place(setting) == place


@pytest.mark.parametrize("text", [None, "", "config: [", "config: 5", "- a"])
def test_where_there_is_nothing_to_read_no_line_is_known(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "Pulumi.dev.yaml").write_text(text)
    assert StackFile.of("dev", tmp_path).place("alarmEmail") == ""


def test_a_fault_of_the_program_has_its_line(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"dev: Pulumi\.dev\.yaml:\d+: alarmEmail: "):
        record_with(tmp_path, alarmEmail="nobody")
