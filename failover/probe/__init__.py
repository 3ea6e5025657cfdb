"""What clients and resolvers see."""
