"""What a tenant may see: the policy that `dataplane.wire` carries out. Pure: no I/O, no clock.

The way of a Produce frame: `apis.treatment` says that Produce is rewritten in this version (a
handshake would go to `answers`, with the password checked by `plain`; what is not offered is
refused). `programs.request_program` gives the program, compiled from the classes that `fields`
gives to the message's fields and what `field_classes` says of each class: topic names and the
transactional id get the prefix of the `view`, acks is handed back as a fact, all else passes. The
pieces go to the broker; its answer takes the same way through `programs.response_program`:
prefixes off, leader hints dropped, `error_text` cleaned. If no cluster can take the request in
time, `refusals.busy` builds the answer that makes the client try again.
"""
