"""Makes a target like the cluster that it is to stand in for, in all but the records it holds."""
