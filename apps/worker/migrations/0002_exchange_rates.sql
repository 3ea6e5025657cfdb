-- Public reference data: one unit of `base` buys `rate` units of `quote`. Sample rates.
-- depends: 0001_ledger_entries

CREATE TABLE public.exchange_rates (
    base char(3) NOT NULL CHECK (base ~ '^[A-Z]{3}$'),
    quote char(3) NOT NULL CHECK (quote ~ '^[A-Z]{3}$'),
    rate numeric(18, 6) NOT NULL CHECK (rate > 0),
    as_of date NOT NULL,
    PRIMARY KEY (base, quote)
);

INSERT INTO public.exchange_rates (base, quote, rate, as_of) VALUES
    ('CAD', 'EUR', 0.615000, '2026-11-20'),
    ('CAD', 'GBP', 0.538000, '2026-11-20'),
    ('CAD', 'USD', 0.712000, '2026-11-20');
