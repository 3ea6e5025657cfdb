"""Names that say of a store for public data that it is meant for other data."""

import re

# What people call a place for data that is not public, in both of the country's languages. A word counts by itself:
# `statements-2026` is one, `restatements` is none.
_NOT_PUBLIC = re.compile(
    r"backups?|banking|billing|bills?|claims?|clients?|confidential|contracts?|credentials|customers?|dossiers?|dumps?|"
    r"employees?|exports?|factures?|invoices?|kyc|ledgers?|logs?|medical|passports?|patients?|payments?|payroll|"
    r"personal|pii|prescriptions?|private|receipts?|records?|regulated|releves?|salar(?:y|ies)|secrets?|statements?|"
    r"tax(?:es)?|transactions?"
)


def not_public(name: str) -> str:
    """The first word of a bucket's name that says so; empty where none does."""
    words = re.split(r"[^a-z0-9]+", name.lower())
    return next((word for word in words if _NOT_PUBLIC.fullmatch(word)), "")
