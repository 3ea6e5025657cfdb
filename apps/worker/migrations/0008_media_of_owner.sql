-- The list of what one member uploaded: nothing waits while it is made.
-- depends: 0007_notes
-- transactional: false

-- What it waits for are transactions that were there before, and nobody waits for it.
SET lock_timeout = 0;

-- What a run that was killed left is no index yet.
DROP INDEX CONCURRENTLY IF EXISTS regulated.media_newest;

CREATE INDEX CONCURRENTLY media_newest ON regulated.media (owner, created_at DESC, key DESC);

RESET lock_timeout;
