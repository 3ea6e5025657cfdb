"""A rollback and the way back, measured."""
