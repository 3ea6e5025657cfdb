"""Errors of a failover that an operator can mend.

The exception tree; it stands alone, because this package also works without the rest of the project::

    FailoverError               one line each on stderr, exit 1
    ├── RefusedError                 nothing was changed, and why
    ├── ApiError                Cloudflare's API refused or did not answer in time
    │   ├── DeniedError           the token is wrong, expired or without the scope: trying again is useless
    │   ├── TakenError          the record is there already: somebody else's lock
    │   └── LimitedError          the rate limit is reached for longer than can be waited
    └── UsageError              a wrong flag or value: exit 2
"""


class FailoverError(Exception):
    """Thing, fault, and what is allowed or what to do; one line for each fault."""


class RefusedError(FailoverError):
    """Nothing was changed."""


class ApiError(FailoverError):
    """The API refused, or did not answer in time."""


class DeniedError(ApiError):
    """Wrong, expired or disabled token, or one without the scope."""


class TakenError(ApiError):
    """An identical record is there already, or the one to be replaced has gone."""


class LimitedError(ApiError):
    """Rate limited for longer than can be waited."""


class UsageError(FailoverError):
    """A flag's value that can't be."""
