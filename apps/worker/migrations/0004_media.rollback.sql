DROP TABLE regulated.media;
