"""The history: what journals tell, as tables of SQLite or PostgreSQL."""
