"""A configuration that needs no file of the machine on which it was written."""

from pathlib import Path
from typing import Final, cast

from integrations.xray.stream import Config

_FILES: Final = {"certificateFile": "certificate", "keyFile": "key"}


def without_files(config: Config) -> Config:
    """The same with certificates and their keys in it, in the place of the files that hold them. Raises OSError."""
    inbounds = cast(list[Config], config["inbounds"])
    return config | {"inbounds": [inbound | {"streamSettings": _stream(inbound)} for inbound in inbounds]}


def _stream(inbound: Config) -> Config:
    stream = cast(Config, inbound["streamSettings"])
    tls = cast(Config, stream.get("tlsSettings", {}))
    if "certificates" not in tls:
        return stream
    pairs = cast(list[dict[str, str]], tls["certificates"])
    return stream | {"tlsSettings": tls | {"certificates": [_inside(pair) for pair in pairs]}}


def _inside(pair: dict[str, str]) -> Config:
    return {_FILES[key]: Path(path).read_text().splitlines() for key, path in pair.items()}
