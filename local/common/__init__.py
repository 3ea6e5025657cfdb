"""What every room uses: the state folder, ports, secrets, certificates, locks and logs."""
