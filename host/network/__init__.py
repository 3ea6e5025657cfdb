"""Who reaches the host, and how it shows who it is: firewall, certificates, tunnel."""
