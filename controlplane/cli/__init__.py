"""The product's commands: clients of the HTTP API, nothing more."""
