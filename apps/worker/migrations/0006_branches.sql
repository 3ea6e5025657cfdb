-- Where the branches are: public. Sample branches.
-- depends: 0005_prices

CREATE TABLE public.branches (
    id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    city text NOT NULL CHECK (char_length(city) BETWEEN 1 AND 100),
    place extensions.geography (Point, 4326) NOT NULL
);

CREATE INDEX branches_place ON public.branches USING gist (place);

INSERT INTO public.branches (name, city, place)
SELECT name, city, extensions.st_setsrid(extensions.st_makepoint(lng, lat), 4326)::extensions.geography
FROM (VALUES
    ('Place d''Armes', 'Montréal', 45.5048, -73.5572),
    ('Mile End', 'Montréal', 45.5236, -73.6006),
    ('Vieux-Québec', 'Québec', 46.8139, -71.2080),
    ('ByWard', 'Ottawa', 45.4275, -75.6919),
    ('King Street', 'Toronto', 43.6489, -79.3780)
) AS sample (name, city, lat, lng);
