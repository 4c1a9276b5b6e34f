"""HTTP: the incumbent's administration API, our own, and what nodes talk to."""
