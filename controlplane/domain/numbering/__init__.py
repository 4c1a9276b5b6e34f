"""Virtual offsets, as a switch decides about them.

`runs`: which records stand where on both clusters; `stretches`: where older numbers go on;
`deciding`: which numbering begins.
"""
