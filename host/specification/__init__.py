"""What a database host is to become, as data: built where it is declared, read on the host."""
