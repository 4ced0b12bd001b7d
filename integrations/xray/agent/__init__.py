"""Nodes on other machines: an agent that runs beside their Xray, and the certificates by which both sides know each
other.
"""
