"""Virtual offsets, as a switch decides about them: which records stand where on both clusters
(`runs`), where older numbers go on (`stretches`), and which numbering begins (`deciding`)."""
