"""Regulated and personal data stay in Canada, out of reach of the internet."""
