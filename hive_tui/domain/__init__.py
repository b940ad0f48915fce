"""Nouns and rules of the hive. Pure: no I/O, no clock, no database."""
