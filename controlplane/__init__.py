"""Decides, records every decision as an event in Postgres, and broadcasts it to the nodes."""
