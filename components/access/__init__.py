"""Who may do what in the accounts."""
