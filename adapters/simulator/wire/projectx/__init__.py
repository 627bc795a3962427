"""ProjectX as the practice venue speaks it: REST, two hubs, their rows and records as JSON, access."""
