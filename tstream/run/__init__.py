"""One run: what it claims, how it is wired, threads, and the ways to run."""
