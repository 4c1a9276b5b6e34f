"""The client's side of each SASL mechanism, one per file. Pure: bytes in, bytes out."""
