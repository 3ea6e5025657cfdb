"""Terms of `./hybrid db`, by themselves: a command's --help loads neither a driver nor a cloud's library."""

from enum import StrEnum


class Route(StrEnum):
    """What carries the bytes; TLS to the server is the same in both."""

    TUNNEL = "tunnel"
    SSM = "ssm"


class Order(StrEnum):
    """What counts: time in all, time a call, calls, or blocks read and written."""

    TOTAL = "total"
    MEAN = "mean"
    CALLS = "calls"
    IO = "io"
