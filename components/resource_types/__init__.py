"""What is known of each type of resource: one row a type."""
