"""The playbook's tasks, each one concern of the host."""
