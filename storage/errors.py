"""The one base class of what `storage` refuses or cannot do.

Whoever talks to a person (the command line, `doctor`) catches `StorageError` and prints it: the text of each
subclass is one sentence that says what was expected and what to do. Everything else is a defect and may crash.
"""


class StorageError(Exception):
    """Something about the database that an operator can act on; its text is written for them."""
