"""The table of parts in docs/architecture.md: `python -m local.stack.parts_table` writes its rows again."""

from collections.abc import Iterator

from local.common.parts import PARTS
from plan.project import ROOT

PAGE = ROOT / "docs/architecture.md"
HEAD = "| Part | What runs here | Stands for |\n|---|---|---|\n"


def written(page: str) -> str:
    """The page with the rows of today's parts. Raises ValueError where it has no such table."""
    start = page.index(HEAD) + len(HEAD)
    end = page.index("\n\n", start - 1) + 1
    return f"{page[:start]}{''.join(_rows())}{page[end:]}"


def _rows() -> Iterator[str]:
    for part in PARTS:
        absent = f"; left out where `{part.needs.program}` is not installed" if part.needs else ""
        yield f"| `{part.name}` | {part.runs}{absent} | {part.stands_for} |\n"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
