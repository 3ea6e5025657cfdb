"""Where backups go, with which credentials, when, and who is warned."""
