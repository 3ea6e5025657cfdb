-- transactional: false

DROP INDEX CONCURRENTLY IF EXISTS regulated.media_newest;
