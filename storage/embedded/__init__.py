"""A PostgreSQL of our own: the programs come from a Python package, the data lies in one folder, we are its parent.

For evaluation, the sandbox, the tests, and a small shop on one machine. What it promises: data survive a kill -9 of
our process; nothing of it outlives us; it listens to nothing but a socket that only we and root may use.

This package's `__init__` imports nothing: `child.py` beside it must start fast.
"""
