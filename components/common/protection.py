"""How what holds data is kept from being deleted."""

from dataclasses import dataclass

import pulumi

from components.common.labels import Environment


@dataclass(frozen=True, kw_only=True)
class Protection:
    """Options for resources that hold data.

    `is_protected`: the engine refuses to delete or replace the resource.
    `is_retained`: should it be removed from the program all the same, the cloud keeps it.
    """

    is_protected: bool
    is_retained: bool

    @classmethod
    def of(cls, environment: Environment, *, protects_data: bool) -> "Protection":
        """Production also retains: there an orphan is cheaper than a loss."""
        return cls(is_protected=protects_data, is_retained=environment is Environment.PROD)

    def options(
        self,
        parent: pulumi.Resource,
        *,
        ignore_changes: list[str] | None = None,
        replace_on_changes: list[str] | None = None,
    ) -> pulumi.ResourceOptions:
        """Options of a child that holds data."""
        return pulumi.ResourceOptions(
            parent=parent,
            protect=self.is_protected,
            retain_on_delete=self.is_retained,
            ignore_changes=ignore_changes,
            replace_on_changes=replace_on_changes,
        )
