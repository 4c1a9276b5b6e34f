"""The client matrix: what every Kafka client library does through the gateway, on real Kafka."""
