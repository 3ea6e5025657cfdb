"""What must not happen: strangers get in, data is lost, a rollback fails, rights grow, the bill runs away."""
