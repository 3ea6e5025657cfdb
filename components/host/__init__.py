"""The database's host, and how it becomes a server."""
