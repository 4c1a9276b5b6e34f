"""Writes to Kafka what nodes and users of the incumbent's mapping read."""
