"""What is declared: one component a file, its Args beside it."""
