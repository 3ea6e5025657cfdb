"""What every room uses: labels, protection, providers, errors."""
