"""Runs MirrorMaker 2 as a child process, in the direction that a control plane orders.

May import the contract and `upstream`; nobody imports it.
"""
