"""What a line may be in files whose programs offer no check of their own: what the playbook writes, and no more."""

import re

_ROLE = r"[a-z_][a-z0-9_]*"
# PostgreSQL reads a wrong line only when it is asked to reload, and then goes on with the old ones until it restarts.
CLIENT_RULES = (
    rf"#.*|local (all|{_ROLE}) {_ROLE} (peer( map={_ROLE})?|scram-sha-256)"
    rf"|hostssl {_ROLE} {_ROLE} [0-9a-f.:]+/\d+ scram-sha-256( clientcert=verify-full)?"
)
USER_MAP = rf"#.*|{_ROLE} {_ROLE} {_ROLE}"
POOLER = r"|;.*|\[[a-z]+\]|[a-z_][a-z0-9_]* = \S.*"
POOLER_PASSWORDS = rf'"{_ROLE}" "SCRAM-SHA-256\$[^"]+"'
BACKUPS = r"|#.*|\[[A-Za-z0-9_:-]+\]|[a-z0-9-]+=\S.*"


def fault(text: str, grammar: str) -> str | None:
    """The first line that is not of the grammar, by its number: it may hold a secret."""
    for number, line in enumerate(text.splitlines(), 1):
        if not re.fullmatch(grammar, line):
            return f"line {number} is not what such a file may hold"
    return None
