"""Kafka's wire format: frames in, pieces of rewritten frames out. Pure, and ignorant of tenants.

The way of a Produce frame: `header.peek` reads its API key and version; `virtual.programs` hands
out the function that `compiler` generated for them, once, from `schema` (kio's message definitions)
and `treatments` (what is to be done with which field), with the code of `struct_code` and
`field_code`. The function returns slices of the frame with the new topic names between them; the
record batches are inside one of the slices, unseen.
"""
