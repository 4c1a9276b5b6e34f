"""That a target is like the cluster which it is to stand in for, in all but the records it holds.

A mirror adds, and never takes away: configs that were changed, topics, records, keys and positions
that were deleted are on its target as they had been before.
"""
