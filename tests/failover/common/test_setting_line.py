"""The one line of the stack's settings."""

import pytest

from failover.common.setting_line import changed_text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("config:\n  hybrid:failoverActive: worker\n", "config:\n  hybrid:failoverActive: vercel\n"),
        ('config:\n  "hybrid:failoverActive": worker # x\n', 'config:\n  "hybrid:failoverActive": vercel # x\n'),
        ("# a\nconfig:  # b\n  hybrid:x: 1\n", "# a\nconfig:  # b\n  hybrid:failoverActive: vercel\n  hybrid:x: 1\n"),
        (
            "config:\n  # hybrid:failoverActive: worker\n",
            "config:\n  hybrid:failoverActive: vercel\n  # hybrid:failoverActive: worker\n",
        ),
        ("config:\n  hybrid:failoverActive: worker\n  hybrid:failoverActive: worker\n", None),
        ("config: {}\n", None),
        ("", None),
    ],
)
def test_one_line_of_the_settings_is_changed_or_none(before: str, after: str | None) -> None:
    assert changed_text(before, "hybrid:failoverActive", "vercel") == after
