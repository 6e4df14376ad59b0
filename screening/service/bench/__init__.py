"""Benchmarks: what the platform reaches, beside what the bare database reaches on the same machine in the same run."""
