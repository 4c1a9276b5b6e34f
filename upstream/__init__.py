"""How both planes reach a physical cluster: TLS, log-in, and aiokafka told of both.

Knows the contract and nothing else of ours.
"""
