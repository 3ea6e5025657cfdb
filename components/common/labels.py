"""The labels that everything declared carries: environment, data class, owner."""

from dataclasses import dataclass
from enum import StrEnum


class Environment(StrEnum):
    """How much a stack matters. Not its name: `dev-alice` is a stack of environment `dev`."""

    DEV = "dev"
    PROD = "prod"


class DataClass(StrEnum):
    """What the data is to the law. Not who may read it, and not how it is encrypted.

    `regulated` and `personal` data stay in Canada; `public` may be anywhere; `none` holds no data.
    """

    REGULATED = "regulated"
    PERSONAL = "personal"
    PUBLIC = "public"
    NONE = "none"

    def is_within(self, most: "DataClass") -> bool:
        """Whether it is as delicate at most."""
        order = list(DataClass)  # From the most delicate to the least.
        return order.index(self) >= order.index(most)


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Who a stack belongs to; turned into whatever form a platform has for labels."""

    product: str
    stack: str
    """Name of the stack: several stacks, such as `dev` and `dev-alice`, may be of one environment."""
    environment: Environment
    owner: str

    @property
    def prefix(self) -> str:
        """Start of every display name, so that two stacks can share an account."""
        return f"{self.product}-{self.stack}"

    def tags(self, data_class: DataClass) -> dict[str, str]:
        """Tags of an AWS resource."""
        return {
            "product": self.product,
            "environment": str(self.environment),
            "data-class": str(data_class),
            "owner": self.owner,
        }

    def tag_list(self, data_class: DataClass) -> list[str]:
        """Tags of a platform whose tags are plain texts, not key-value pairs (Cloudflare Workers)."""
        return [f"{key}:{value}" for key, value in self.tags(data_class).items()]

    def inputs(self, data_class: DataClass) -> dict[str, str]:
        """Inputs of a component: the only place for labels where a platform has no tags at all (R2, Hyperdrive)."""
        return {"environment": str(self.environment), "dataClass": str(data_class), "owner": self.owner}
