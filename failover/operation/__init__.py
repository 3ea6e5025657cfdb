"""A rollback, or the way back: what is to be changed, and its journal and evidence."""
