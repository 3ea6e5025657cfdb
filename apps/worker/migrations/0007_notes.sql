-- A member's notes, each with what a model of the caller's makes of its text.
-- No index of embeddings: it would find the nearest of everybody's notes, and only then look whose they are, so that
-- few or none are left. A member's own, which the other index finds, are compared one by one.
-- depends: 0006_branches

CREATE TABLE regulated.notes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    owner text NOT NULL DEFAULT nullif(current_setting('app.subject', true), ''),
    text text NOT NULL CHECK (char_length(text) BETWEEN 1 AND 1000),
    embedding extensions.vector (8) NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX notes_newest ON regulated.notes (owner, created_at DESC, id DESC);

ALTER TABLE regulated.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY of_subject ON regulated.notes USING (owner = nullif(current_setting('app.subject', true), ''));
