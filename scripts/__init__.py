"""The commands: one job a file."""
