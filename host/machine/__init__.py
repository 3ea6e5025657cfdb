"""A machine's own parts beside the database: data disk and logs."""
