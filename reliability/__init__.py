"""Switches again and again under the load of real clients, and the judgement on what they saw."""
