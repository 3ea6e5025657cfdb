-- Who uploaded what: R2, where the objects are, keeps nothing about people.
-- depends: 0003_owner_indexes

CREATE TABLE regulated.media (
    key uuid PRIMARY KEY,
    owner text NOT NULL DEFAULT nullif(current_setting('app.subject', true), ''),
    content_type text NOT NULL CHECK (char_length(content_type) BETWEEN 1 AND 100),
    bytes bigint NOT NULL CHECK (bytes > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE regulated.media ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_subject ON regulated.media USING (owner = nullif(current_setting('app.subject', true), ''));
