DROP TABLE regulated.ledger_entries;
