-- The regulated ledger; the API checks the same limits before it writes.

CREATE TABLE regulated.ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    description text NOT NULL CHECK (char_length(description) BETWEEN 1 AND 200),
    amount_cents bigint NOT NULL CHECK (amount_cents BETWEEN -1000000000000 AND 1000000000000),
    currency char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX ledger_entries_newest ON regulated.ledger_entries (created_at DESC, id DESC);
