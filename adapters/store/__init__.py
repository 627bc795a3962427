"""The journal on disk, and the lock that keeps a second engine off an account."""
