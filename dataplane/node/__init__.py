"""What a node may do now: a pure state machine (`machine`), and the one file that feeds it.

The way of a fence: `follower` reads the routing record from the control topic or over HTTP and
hands it to `machine.handle`, which answers with commands; `follower` passes those to the gateway's
scope, which stops forwarding and says when its last upstream connection is closed; `machine` calls
that *drained* and asks for a report to the control plane.
"""
