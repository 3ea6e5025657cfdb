"""Terms of the commands, the file of ids and the operations: who answers, what is asked for, and by which plan."""

from enum import StrEnum


class Side(StrEnum):
    """Who answers. Not who should, and not who is healthy."""

    WORKER = "worker"
    """Cloudflare: the Worker, or for a host of kind `pages` the Pages project."""
    VERCEL = "vercel"
    """The stand-by."""

    @property
    def other(self) -> "Side":
        return Side.VERCEL if self is Side.WORKER else Side.WORKER


class Kind(StrEnum):
    """What serves the host while Cloudflare does. Not how it is switched."""

    WORKER = "worker"
    PAGES = "pages"
    """Has no route: only DNS can switch it."""


class Act(StrEnum):
    """What the operator asks for. Not what had to be done for it."""

    ROLLBACK = "rollback"
    RESTORE = "restore"

    @property
    def side(self) -> Side:
        return Side.VERCEL if self is Act.ROLLBACK else Side.WORKER


class Via(StrEnum):
    """How a host of kind `worker` is rolled back."""

    ROUTE = "route"
    """Plan A: the route loses its script, and the edge passes requests on to the stand-by."""
    DNS = "dns"
    """Plan B: the record leads past Cloudflare, straight to the stand-by."""
