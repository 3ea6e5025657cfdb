"""Backups as an operator has them: the connections to a host's recovery engine, and how its answers are shown."""
