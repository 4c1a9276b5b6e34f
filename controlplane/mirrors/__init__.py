"""The way to MirrorMaker 2: whoever runs it, and what of it is seen in the clusters."""
