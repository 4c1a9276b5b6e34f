"""Coverage-guided fuzzing of all code that reads bytes of clients and brokers: `make fuzz`."""
