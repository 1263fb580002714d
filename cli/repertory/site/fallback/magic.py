"""What kind of file something is: as the library libmagic says where the machine has it, else by how the file begins."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Optional, Union

_MIME_TYPE = 0x10
_NONE = 0
_LOOKED_AT = 4096

# How a file begins, its media type, and a name for people.
_BEGINNINGS = (
    (b"%PDF-", "application/pdf", "PDF document"),
    (b"PK\x03\x04", "application/zip", "Zip archive data"),
    (b"\x1f\x8b", "application/gzip", "gzip compressed data"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed", "7-zip archive data"),
    (b"Rar!\x1a\x07", "application/x-rar", "RAR archive data"),
    (b"BZh", "application/x-bzip2", "bzip2 compressed data"),
    (b"MZ", "application/x-dosexec", "MS-DOS executable"),
    (b"\x7fELF", "application/x-executable", "ELF executable"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/CDFV2", "Composite Document File V2 Document"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "PNG image data"),
    (b"\xff\xd8\xff", "image/jpeg", "JPEG image data"),
    (b"GIF8", "image/gif", "GIF image data"),
    (b"{\\rtf", "text/rtf", "Rich Text Format data"),
    (b"<?xml", "text/xml", "XML document"),
    (b"<!DOCTYPE html", "text/html", "HTML document"),
    (b"<html", "text/html", "HTML document"),
)


class MagicException(Exception):
    """The kind of a file cannot be found out."""


class Magic:
    """``mime``: media types, such as ``text/plain``, in place of sentences."""

    def __init__(self, mime: bool = False, magic_file: Any = None, **more: Any) -> None:
        self._mime = mime
        self._library = _library()

    def from_file(self, filename: Union[str, "os.PathLike[str]"]) -> str:
        with open(filename, "rb") as file:
            return self.from_buffer(file.read(_LOOKED_AT))

    def from_buffer(self, buf: Union[bytes, str]) -> str:
        content = buf.encode("utf-8", "replace") if isinstance(buf, str) else bytes(buf)
        return self._asked(content) or _guessed(content, self._mime)

    def _asked(self, content: bytes) -> str:
        if self._library is None:
            return ""
        cookie = self._library.magic_open(_MIME_TYPE if self._mime else _NONE)
        if not cookie:
            return ""
        try:
            if self._library.magic_load(cookie, None):
                return ""
            said: Optional[bytes] = self._library.magic_buffer(cookie, content, len(content))
            return (said or b"").decode("utf-8", "replace")
        finally:
            self._library.magic_close(cookie)


def from_file(filename: Union[str, "os.PathLike[str]"], mime: bool = False) -> str:
    return Magic(mime=mime).from_file(filename)


def from_buffer(buffer: Union[bytes, str], mime: bool = False) -> str:
    return Magic(mime=mime).from_buffer(buffer)


def _library() -> Any:
    """libmagic (its functions: libmagic(3)); None without it."""
    for name in ("libmagic.so.1", "libmagic.dylib"):
        try:
            library = ctypes.CDLL(name)
            break
        except OSError:
            continue
    else:
        return None
    library.magic_open.restype, library.magic_open.argtypes = ctypes.c_void_p, [ctypes.c_int]
    library.magic_load.restype, library.magic_load.argtypes = ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p]
    library.magic_buffer.restype = ctypes.c_char_p
    library.magic_buffer.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.magic_close.restype, library.magic_close.argtypes = None, [ctypes.c_void_p]
    return library


def _guessed(content: bytes, mime: bool) -> str:
    if not content:
        return "inode/x-empty" if mime else "empty"
    for beginning, kind, said in _BEGINNINGS:
        if content.startswith(beginning):
            return kind if mime else said
    try:
        content[: _LOOKED_AT - 4].decode("utf-8")
    except UnicodeDecodeError:
        return "application/octet-stream" if mime else "data"
    return "text/plain" if mime else "ASCII text" if content.isascii() else "Unicode text, UTF-8 text"
