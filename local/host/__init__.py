"""The database's host: a root file system in namespaces, or a container."""
