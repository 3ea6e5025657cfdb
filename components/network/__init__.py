"""The routes to the database."""
