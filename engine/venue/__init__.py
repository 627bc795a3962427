"""The one venue in the code, without I/O: matching, fills, latency, and the paper broker around it."""
