"""What a switch costs by the size of the clusters: `make scale` writes docs/scale.md."""
