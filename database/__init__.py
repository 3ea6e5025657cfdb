"""Looking after a running database: its state, its statements, a prompt in it, its migrations; here or in the cloud."""
