"""What only the leading control plane does."""
