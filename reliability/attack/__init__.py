"""A tenant that attacks, and another that should not notice: `make attack`."""
