"""Backups as an operator has them: the ways to a host's recovery engine, and what its answers look like."""
