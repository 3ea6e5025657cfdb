"""The repository of the database's backups, its copy and who may write it."""
