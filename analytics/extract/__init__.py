"""The analytics dataset: the only reader of the database, and the frames everything else is computed from."""
