-- transactional: false

DROP INDEX CONCURRENTLY IF EXISTS regulated.ledger_entries_newest;

CREATE INDEX CONCURRENTLY ledger_entries_newest ON regulated.ledger_entries (created_at DESC, id DESC);

DROP INDEX CONCURRENTLY IF EXISTS regulated.ledger_entries_of_owner;

DROP INDEX CONCURRENTLY IF EXISTS regulated.ledger_entries_of_account;
