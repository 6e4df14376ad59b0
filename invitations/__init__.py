"""Everything that goes out: letters, kits, channels, batches."""
