"""The one thing both planes share: control records, their codec, and the fold over them.

The control plane writes records, nodes replay them; neither imports the other. What both do alike
is here too: they read `clusters.yaml`, and write log lines.
"""
