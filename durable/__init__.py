"""Files and locks that survive a kill and a power cut; `host` and `failover` bring it along."""
