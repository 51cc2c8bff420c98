"""What SQLite and PostgreSQL do each in its own way; server/store.py puts one face on both."""
