"""What a database host becomes: the same on Lightsail, in a container and in a namespace on one machine."""
