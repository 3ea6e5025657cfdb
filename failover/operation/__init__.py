"""A rollback or a restore: what is to be changed, and its journal and evidence."""
