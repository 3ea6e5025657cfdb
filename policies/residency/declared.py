"""The class of data that a resource is declared to have."""

from pulumi_policy import PolicyResource

from components.common.labels import DataClass
from components.resource_types.table import judged

LIMITED = (DataClass.NONE, DataClass.PUBLIC)


def data_class(resource: PolicyResource) -> str | None:
    """Of the nearest component that registers one, or whose type allows public data at most; None where none does.

    Other components' own words are inputs, which a stack rule does not see.
    """
    parent = resource.parent
    while parent is not None:
        if "dataClass" in parent.props:
            return str(parent.props["dataClass"])
        place = judged(parent.resource_type)
        if place is not None and parent.resource_type.startswith("hybrid:") and place.most in LIMITED:
            return str(place.most)
        parent = parent.parent
    return None
