"""The hot modules of the data path as machine code, where a C compiler was there to make it.

`sources` names them, `dataplane.building` has mypyc compile them into a folder of their own, and
`loading` has Python take them from there as long as no source was edited since (ADR 37).
"""
