"""Postgres: the event log and the little soft state beside it."""
