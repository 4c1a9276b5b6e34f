"""Turning the mirror round after a switch: events, state, positions, and what to do next."""
