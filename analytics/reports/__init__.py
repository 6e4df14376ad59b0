"""Results as people and programs read them: table, CSV, JSON, Parquet, page."""
