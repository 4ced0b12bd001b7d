"""Which Xray this installation runs."""

from importlib.metadata import version

#: The distribution that brings Xray.
_DISTRIBUTION = "Xray-core"


def xray_version() -> str:
    """The version of the package that Xray comes in."""
    return version(_DISTRIBUTION)
