"""Quality indicators: one definition each, counted from the analytics dataset."""
