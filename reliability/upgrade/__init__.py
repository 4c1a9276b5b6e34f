"""Every process is exchanged for that of another release, and back, under load."""
