DROP TABLE public.branches;
