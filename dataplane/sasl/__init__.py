"""The gateway's side of each SASL mechanism, one per file, and what an exchange proves.

Pure: bytes in, bytes and outcomes out; accounts, keys and times are handed in.
"""
