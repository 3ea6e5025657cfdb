"""The two sides that can answer a host name."""

from collections.abc import Mapping
from enum import StrEnum

HEADER = "x-served-by"
BUILD_HEADER = "x-build"


class Side(StrEnum):
    """Who answers. Not who should, and not who is healthy."""

    WORKER = "worker"
    """Cloudflare: the Worker, or for a host of kind `pages` the Pages project."""
    VERCEL = "vercel"
    """The stand-by."""

    @property
    def other(self) -> "Side":
        return Side.VERCEL if self is Side.WORKER else Side.WORKER


NAMES = {"worker": Side.WORKER, "pages": Side.WORKER, "vercel": Side.VERCEL}


def side_of(headers: Mapping[str, str]) -> Side | None:
    """The side that an answer names; None when it names neither."""
    return NAMES.get(headers.get(HEADER, "").strip().lower())
