-- Without owners everybody's entries would be everybody's: not while there are some.
ALTER TABLE regulated.ledger_entries NO FORCE ROW LEVEL SECURITY;
DO $$
BEGIN
    IF EXISTS (SELECT FROM regulated.ledger_entries WHERE owner <> '') THEN
        RAISE 'regulated.ledger_entries: has rows with an owner; move them away first';
    END IF;
END $$;

DROP POLICY of_subject ON regulated.ledger_entries;
ALTER TABLE regulated.ledger_entries DISABLE ROW LEVEL SECURITY;
DROP TRIGGER ledger_entries_added ON regulated.ledger_entries;
DROP TRIGGER ledger_entries_removed ON regulated.ledger_entries;
DROP TRIGGER ledger_entries_changed ON regulated.ledger_entries;
DROP FUNCTION regulated.count_ledger_entries();
DROP TABLE regulated.idempotency_keys;
DROP TABLE regulated.ledger_totals;
ALTER TABLE regulated.ledger_entries DROP COLUMN owner, DROP COLUMN account_id;
DROP TABLE regulated.accounts;
