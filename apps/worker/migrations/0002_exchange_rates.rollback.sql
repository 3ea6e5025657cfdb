DROP TABLE public.exchange_rates;
