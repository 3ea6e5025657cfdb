"""What every room uses: labels, protection, providers, what is secret."""
