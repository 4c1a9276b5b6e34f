"""The acceptance scenario, step by step, with the users' own tools, and what the switch cost."""
