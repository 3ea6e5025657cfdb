-- Public prices, in chunks of a week. Sample prices: one an hour.
-- depends: 0004_media

CREATE TABLE public.prices (
    symbol text NOT NULL CHECK (symbol ~ '^[A-Z0-9.]{1,12}$'),
    at timestamptz NOT NULL,
    price numeric(18, 6) NOT NULL CHECK (price > 0),
    PRIMARY KEY (symbol, at)
);

-- In a block, for a row that a migration selects is printed.
DO $$ BEGIN PERFORM extensions.create_hypertable('public.prices', extensions.by_range('at', interval '7 days')); END $$;

INSERT INTO public.prices (symbol, at, price)
SELECT symbol, timestamptz '2026-11-16 00:00Z' + hour * interval '1 hour', start + (hour * 7 % 24) * 0.25
FROM (VALUES ('BANK.TO', 132.5), ('RAIL.TO', 148)) AS sample (symbol, start), generate_series(0, 119) AS hour;
