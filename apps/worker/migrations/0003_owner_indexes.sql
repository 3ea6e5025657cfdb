-- Lists of one owner's entries, and of one account's: nothing waits while they are made.
-- depends: 0003_accounts
-- transactional: false

-- What it waits for are transactions that were there before, and nobody waits for it.
SET lock_timeout = 0;

-- What a run that was killed left is no index yet.
DROP INDEX CONCURRENTLY IF EXISTS regulated.ledger_entries_of_owner;

CREATE INDEX CONCURRENTLY ledger_entries_of_owner ON regulated.ledger_entries (owner, created_at DESC, id DESC);

DROP INDEX CONCURRENTLY IF EXISTS regulated.ledger_entries_of_account;

CREATE INDEX CONCURRENTLY ledger_entries_of_account
ON regulated.ledger_entries (owner, account_id, created_at DESC, id DESC);

DROP INDEX CONCURRENTLY IF EXISTS regulated.ledger_entries_newest;

RESET lock_timeout;
