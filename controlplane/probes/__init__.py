"""Looking at physical clusters."""
