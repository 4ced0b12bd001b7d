"""Pictures and documents that the bot sends: kept as blobs, found by their file id."""

import struct
from typing import Final

from integrations.telegram.sandbox.errors import bad_request
from integrations.telegram.sandbox.parameters import Upload
from integrations.telegram.sandbox.state import StoredFile, World
from integrations.telegram.sandbox.wire import Document, PhotoSize

PHOTO_BYTES: Final = 10 << 20
DOCUMENT_BYTES: Final = 50 << 20


def stored_photo(world: World, given: Upload | str) -> PhotoSize:
    """Keep an uploaded picture, or find the one with that file id."""
    stored = _found(world, given, "photo") if isinstance(given, str) else _keep_photo(world, given)
    return PhotoSize(
        file_id=stored.id,
        file_unique_id=stored.unique_id,
        width=stored.width,
        height=stored.height,
        file_size=stored.size,
    )


def stored_document(world: World, given: Upload | str) -> Document:
    """Keep an uploaded file, or find the one with that file id."""
    stored = _found(world, given, "document") if isinstance(given, str) else _keep_document(world, given)
    return Document(
        file_id=stored.id,
        file_unique_id=stored.unique_id,
        file_name=stored.name,
        mime_type=stored.media_type,
        file_size=stored.size,
    )


def _found(world: World, file_id: str, kind: str) -> StoredFile:
    if not file_id:
        raise bad_request(f"there is no {kind} in the request")
    stored = world.files.get(file_id)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if not stored.path.startswith(kind):
        raise bad_request(f"can't use file of another type as {kind.capitalize()}")
    return stored


def _keep_photo(world: World, upload: Upload) -> StoredFile:
    if len(upload.data) > PHOTO_BYTES:
        raise bad_request("file is too big")
    found = picture_size(upload.data)
    if found is None:
        raise bad_request("IMAGE_PROCESS_FAILED")
    suffix, width, height = found
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS")
    media_type = "image/png" if suffix == "png" else "image/jpeg"
    return _keep(world, "photos/file", suffix, upload.name, media_type, upload.data, width, height)


def _keep_document(world: World, upload: Upload) -> StoredFile:
    if not upload.data:
        raise bad_request("file must be non-empty")
    if len(upload.data) > DOCUMENT_BYTES:
        raise bad_request("file is too big")
    suffix = upload.name.rpartition(".")[2] or "bin"
    return _keep(world, "documents/file", suffix, upload.name, upload.media_type, upload.data, 0, 0)


def _keep(
    world: World,
    prefix: str,
    suffix: str,
    name: str,
    media_type: str,
    data: bytes,
    width: int,
    height: int,
) -> StoredFile:
    number = world.store.next_id("telegram/file")
    stored = StoredFile(
        id=f"AgACSandbox{number:06d}",
        unique_id=f"AQADSandbox{number:06d}",
        path=f"{prefix}_{number}.{suffix}",
        name=name,
        media_type=media_type,
        size=len(data),
        width=width,
        height=height,
    )
    world.store.put_blob(f"telegram/{stored.id}", data)
    world.files.put(stored.id, stored)
    return stored


def picture_size(data: bytes) -> tuple[str, int, int] | None:
    """The suffix, width and height of a PNG or JPEG; None for anything else."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return "png", width, height
    if data.startswith(b"\xff\xd8"):
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[str, int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return "jpg", width, height
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None
