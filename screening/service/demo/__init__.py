"""The main job on a fresh machine: a made-up nation lives through some years of the programme."""
