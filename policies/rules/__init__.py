"""What a rule is, what it reads, and what it reports; the packs' rules are in the packs' own folders."""
