"""Compiles the data path: `python -m dataplane.building`, which `make setup` does (ADR 37)."""
