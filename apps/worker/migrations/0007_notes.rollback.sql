DROP TABLE regulated.notes;
