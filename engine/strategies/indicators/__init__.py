"""The strategy "indicators": entries and exits by indicators, put together by configuration."""
