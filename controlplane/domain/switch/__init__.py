"""The switch of a scope to another physical cluster: events, state, and what to do next."""
