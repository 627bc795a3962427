"""ProjectX as the practice venue speaks it: REST, two hubs, records."""
