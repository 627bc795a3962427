"""The practice venue misbehaves on command: the catalogue of faults and where each acts."""
