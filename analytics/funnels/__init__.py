"""Published funnels: counts that others have printed, made into an event log and counted by our indicators."""
