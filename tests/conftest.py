"""Fixtures for every test. The databases are chosen in tests/support/databases.py, before settings are read."""
