"""What the platform publishes: made, approved, published, and the same for ever."""
