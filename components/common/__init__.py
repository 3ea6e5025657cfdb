"""What several rooms use: labels, protection, regions, errors."""
