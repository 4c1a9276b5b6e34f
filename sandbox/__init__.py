"""The whole environment on one machine, for demos, tests and benchmarks."""
