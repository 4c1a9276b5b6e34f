"""The gateway node: stateless, replays the control records, and serves Kafka clients."""
