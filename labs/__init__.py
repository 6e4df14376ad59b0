"""Everything that comes back: messages from laboratories, kits received, quarantine."""
