"""Pure: what may happen, what happened, and what it adds up to. No I/O, no clock."""
