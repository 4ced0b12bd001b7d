"""Xray nodes: their configuration, their process, their users, and the links that people put into client apps.

Nothing is imported here: the process of a node starts from this package and must stay small.
"""
