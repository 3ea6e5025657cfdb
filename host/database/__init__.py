"""PostgreSQL and its pooler: the cluster, what it holds, and which host serves."""
