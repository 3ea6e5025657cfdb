"""The settings that say which earlier version answers: without them the next `pulumi up` would undo a rollback."""

from pathlib import Path

from durable import files
from failover.common.setting_line import changed_text, settings_file


def set_earlier(stack: str, worker: str, version: str, percent: float, start: Path) -> list[str]:
    """Changes two lines of the stack's file in the checkout that `start` lies in; what is still to be done by hand."""
    lines = {f"hybrid:{worker}EarlierVersion": version or '""', f"hybrid:{worker}EarlierPercent": f"{percent:g}"}
    file = settings_file(stack, start)
    text = file.read_text(encoding="utf-8") if file else None
    for key, value in lines.items():
        text = text and changed_text(text, key, value)
    if file is None or text is None:
        said = "".join(f"\n  {key}: {value}" for key, value in lines.items())
        return [f"set in Pulumi.{stack}.yaml, under config, and commit:{said}"]
    files.replace(file, text)
    return [f"{file}: set, commit it: {key}: {value}" for key, value in lines.items()]
