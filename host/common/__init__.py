"""What every room uses: where things are, how files are written, systemd's units and services."""
