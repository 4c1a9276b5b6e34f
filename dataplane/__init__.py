"""The gateway node: stateless, replays the control records, and serves Kafka clients."""

from dataplane.compiled.loading import Form, prefer_compiled

FORM: Form = prefer_compiled()
"""Whether its hot modules are compiled: asked before any of them is imported."""
