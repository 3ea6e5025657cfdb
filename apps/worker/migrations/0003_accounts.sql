-- Whose is what: accounts with an owner, entries in them, and row-level security that shows each subject its own rows.
-- A subject is the `sub` of an access token, which the API names in `app.subject` for one transaction.
-- Entries from before have no owner that anyone knew. Theirs is '', which no token can have: they stay, out of
-- everybody's sight, until an operator assigns them to an account. No total counts them.
-- Each statement changes the catalogue alone: no table is written anew or searched, so no lock lasts.
-- depends: 0002_exchange_rates

CREATE TABLE regulated.accounts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner text NOT NULL DEFAULT nullif(current_setting('app.subject', true), ''),
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL DEFAULT now(),
    -- What entries refer to: theirs is the same owner and currency.
    UNIQUE (owner, id, currency)
);

CREATE INDEX accounts_newest ON regulated.accounts (owner, created_at DESC, id DESC);

-- A constant default is kept in the catalogue; only then comes the one for new rows.
ALTER TABLE regulated.ledger_entries
    ADD COLUMN owner text NOT NULL DEFAULT '',
    ADD COLUMN account_id uuid;
ALTER TABLE regulated.ledger_entries
    ALTER COLUMN owner SET DEFAULT nullif(current_setting('app.subject', true), ''),
    ADD CONSTRAINT ledger_entries_have_account CHECK (owner = '' OR account_id IS NOT NULL) NOT VALID,
    -- By owner, too: the check of a reference itself is beyond row-level security, and would tell what others have.
    ADD CONSTRAINT ledger_entries_account FOREIGN KEY (owner, account_id, currency)
        REFERENCES regulated.accounts (owner, id, currency) NOT VALID;

-- So that a list of entries costs the same however many there are.
CREATE TABLE regulated.ledger_totals (
    owner text NOT NULL,
    account_id uuid NOT NULL,
    currency char(3) NOT NULL,
    entries bigint NOT NULL,
    -- Beyond bigint, too.
    amount_cents numeric NOT NULL,
    PRIMARY KEY (owner, account_id),
    FOREIGN KEY (owner, account_id, currency) REFERENCES regulated.accounts (owner, id, currency)
) WITH (fillfactor = 70);

-- With the rights of whoever writes entries, so row-level security holds here as well.
CREATE FUNCTION regulated.count_ledger_entries() RETURNS trigger LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP IN ('DELETE', 'UPDATE') THEN
        INSERT INTO regulated.ledger_totals AS held (owner, account_id, currency, entries, amount_cents)
        SELECT owner, account_id, currency, -count(*), -sum(amount_cents)
        FROM removed WHERE owner <> '' GROUP BY owner, account_id, currency ORDER BY owner, account_id
        ON CONFLICT (owner, account_id) DO UPDATE
        SET entries = held.entries + excluded.entries, amount_cents = held.amount_cents + excluded.amount_cents;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        INSERT INTO regulated.ledger_totals AS held (owner, account_id, currency, entries, amount_cents)
        SELECT owner, account_id, currency, count(*), sum(amount_cents)
        FROM added WHERE owner <> '' GROUP BY owner, account_id, currency ORDER BY owner, account_id
        ON CONFLICT (owner, account_id) DO UPDATE
        SET entries = held.entries + excluded.entries, amount_cents = held.amount_cents + excluded.amount_cents;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_entries_added AFTER INSERT ON regulated.ledger_entries
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION regulated.count_ledger_entries();
CREATE TRIGGER ledger_entries_removed AFTER DELETE ON regulated.ledger_entries
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION regulated.count_ledger_entries();
CREATE TRIGGER ledger_entries_changed AFTER UPDATE ON regulated.ledger_entries
REFERENCING OLD TABLE AS removed NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION regulated.count_ledger_entries();

-- A write of the API that was answered, for when it is sent again.
CREATE TABLE regulated.idempotency_keys (
    owner text NOT NULL DEFAULT nullif(current_setting('app.subject', true), ''),
    key text NOT NULL CHECK (char_length(key) BETWEEN 1 AND 100),
    request_sha256 bytea NOT NULL,
    answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner, key)
);

CREATE INDEX idempotency_keys_oldest ON regulated.idempotency_keys (owner, created_at);

-- Forced: on the tables' owner as well, as whom migrations run. Without a subject no row is seen or written.
ALTER TABLE regulated.accounts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE regulated.ledger_entries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE regulated.ledger_totals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE regulated.idempotency_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_subject ON regulated.accounts USING (owner = nullif(current_setting('app.subject', true), ''));
CREATE POLICY of_subject ON regulated.ledger_entries USING (owner = nullif(current_setting('app.subject', true), ''));
CREATE POLICY of_subject ON regulated.ledger_totals USING (owner = nullif(current_setting('app.subject', true), ''));
CREATE POLICY of_subject ON regulated.idempotency_keys USING (owner = nullif(current_setting('app.subject', true), ''));
