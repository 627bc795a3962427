"""Backups of journals and of what lies beside them: made, proven, thinned out, unpacked."""
