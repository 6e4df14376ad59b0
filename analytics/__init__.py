"""What it adds up to: extract, indicators, reports, and the synthetic world."""
