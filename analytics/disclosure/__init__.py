"""What may leave the programme: small numbers are hidden, and whatever would let them be worked out. Pure."""
