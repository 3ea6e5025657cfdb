"""What a machine of its own has beside the database: its data disk and its logs."""
