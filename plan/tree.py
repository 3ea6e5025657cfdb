"""A plan as a tree for people, secrets masked."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from plan.diff import Change, Kind, text
from plan.model import Plan, Resource

_STYLES = {Kind.ADDED: "green", Kind.CHANGED: "yellow", Kind.REPLACED: "magenta", Kind.REMOVED: "red"}
_SIGNS = {Kind.ADDED: "+", Kind.CHANGED: "~", Kind.REPLACED: "±", Kind.REMOVED: "-"}


def plan_tree(plan: Plan) -> RenderableType:
    """Settings, then resources below their components with their inputs."""
    settings = Table("setting", "value", box=None, pad_edge=False, header_style="bold")
    for key, value in sorted(plan.settings.items()):
        settings.add_row(key, text(value))
    tree = Tree(Text.assemble((plan.stack, "bold"), f"  {count(plan)}"))
    for resource in plan.children(None):
        _grow(tree, plan, resource)
    outputs = tree.add("[bold]exports[/]")
    for key, value in sorted(plan.outputs.items()):
        outputs.add(Text(f"{key}: {text(value)}"))
    return Group(settings, Text(), tree)


def count(plan: Plan) -> str:
    """How much is declared, as a sentence."""
    protected = sum(resource.options.protect for resource in plan.resources)
    return f"{plan.count} resources in {len(plan.resources) - plan.count} components, {protected} protected"


def _grow(branch: Tree, plan: Plan, resource: Resource) -> None:
    label = Text.assemble((resource.name, "bold" if resource.custom else "bold cyan"), (f"  {resource.type}", "dim"))
    if resource.options.protect:
        label.append("  protected", "green")
    if resource.options.retain_on_delete:
        label.append("  retained", "green")
    node = branch.add(label)
    for key, value in sorted(resource.inputs.items()):
        node.add(Text(f"{key}: {text(value)}", "dim", overflow="fold"))
    for child in plan.children(resource.urn):
        _grow(node, plan, child)


def change_list(changes: list[Change]) -> RenderableType:
    """One line a resource, one below it for each property, and the totals."""
    lines: list[RenderableType] = []
    for change in changes:
        line = f"{_SIGNS[change.kind]} {change.kind} {change.resource.name}"
        title = Text.assemble((line, _STYLES[change.kind]), (f"  {change.resource.type}", "dim"))
        if change.resource.options.protect and change.kind in (Kind.REPLACED, Kind.REMOVED):
            title.append("  protected: the engine will refuse", "bold red")
        if change.loses_protection:
            title.append("  loses its protection", "bold red")
        lines.append(title)
        for found in change.properties:
            note = "  (replaces)" if found.is_replacing else ""
            values = (
                f"{text(found.old)} → {text(found.new)}" if found.old != found.new else f"{text(found.new)}, recomputed"
            )
            lines.append(Text(f"    {found.path}: {values}{note}", overflow="ignore", no_wrap=True))
    totals = {kind: sum(change.kind is kind for change in changes) for kind in Kind}
    lines.append(Text(", ".join(f"{number} {kind}" for kind, number in totals.items()), "bold"))
    return Group(*lines)
