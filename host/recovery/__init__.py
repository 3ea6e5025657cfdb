"""Backups, and what is made of them: lists, plans, restores and drills. Run on the host as python -m host.recovery."""
