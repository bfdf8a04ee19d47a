"""Backups: everything that is the family's in one file, and back again."""
