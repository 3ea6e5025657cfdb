"""A rollback and a restore, measured."""
