"""A stranger's HTML without everything that acts, loads or leads elsewhere.

Only what is on the list comes through, and it is written anew: another reader than this one finds the same elements in it.
"""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ELEMENTS = frozenset([
    "a", "abbr", "b", "blockquote", "br", "caption", "center", "code", "col", "colgroup", "dd", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "li", "ol", "p", "pre", "s", "section", "small",
    "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "ul", "wbr",
])  # fmt: skip
_EMPTY = frozenset({"br", "col", "hr", "img", "wbr"})
# What stands between their tags is no text for people, or is read by rules of its own.
_WITH_CONTENT = frozenset([
    "applet", "canvas", "embed", "frame", "frameset", "iframe", "math", "noembed", "noframes", "noscript", "object", "option",
    "plaintext", "script", "select", "svg", "template", "textarea", "title", "xmp",
])  # fmt: skip
_ATTRIBUTES = frozenset(["align", "class", "colspan", "height", "id", "open", "rowspan", "title", "valign", "width"])
_IMAGE = re.compile(r"data:image/(png|gif|jpeg|webp);base64,[A-Za-z0-9+/=\s]+")
_NAME = re.compile(r"<(/?)([A-Za-z][^\s/>]*)")
# Never goes back: what is not closed is not looked through again and again.
_REST = re.compile(r"(?>[^>\"']+|\"[^\"]*\"|'[^']*')*+")
_ATTRIBUTE = re.compile(r"([A-Za-z][A-Za-z0-9:_-]{0,40})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))|([A-Za-z][\w-]{0,40})")
_LOADS = re.compile(r"url\s*\([^)]*\)?|@import[^;]*;?|@font-face|image(-set)?\s*\(|expression\s*\(|src\s*\(", re.IGNORECASE)
_COMMENT = re.compile(r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|$)")


def cleaned(html: str) -> str:
    """What is left of it; never more than text and harmless elements."""
    return "".join(_kept(html.replace("\0", "")))


def _kept(html: str) -> Iterator[str]:
    place = 0
    while (start := html.find("<", place)) >= 0:
        yield _text(html[place:start])
        if html.startswith("<!--", start):
            place = _after(html, "-->", start + 4)
            continue
        if html.startswith(("<!", "<?"), start):
            place = _after(html, ">", start)
            continue
        tag = _NAME.match(html, start)
        if tag is None:
            yield "&lt;"
            place = start + 1
            continue
        rest = _REST.match(html, tag.end())
        place = rest.end() + 1 if rest else len(html)
        if rest is None or not html.startswith(">", rest.end()):
            return  # nothing of an element whose tag never ends is shown by anybody
        is_end, name = bool(tag[1]), tag[2].lower()
        if name in _ELEMENTS:
            yield _element(name, rest[0]) if not is_end else "" if name in _EMPTY else f"</{name}>"
        elif not is_end and (name in _WITH_CONTENT or name == "style"):
            end = re.compile(rf"</{name}\b", re.IGNORECASE).search(html, place)
            content = html[place : end.start() if end else len(html)]
            place += len(content)
            if name == "style":
                yield f"<style>{_style(content)}</style>"
    yield _text(html[place:])


def _after(html: str, mark: str, place: int) -> int:
    """Where it goes on behind a mark; at the end without one."""
    found = html.find(mark, place)
    return found + len(mark) if found >= 0 else len(html)


def _text(text: str) -> str:
    return escape(unescape(text), quote=False)


def _element(name: str, attributes: str) -> str:
    kept: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(attributes):
        key = (match[1] or match[5]).lower()
        value = unescape(next((part for part in match.groups()[1:4] if part is not None), ""))
        if key == "style":
            kept.setdefault(key, _style(value))
        elif key in _ATTRIBUTES or (name == "img" and key == "src" and _IMAGE.fullmatch(value)):
            kept.setdefault(key, value)
    written = "".join(f' {key}="{escape(value)}"' for key, value in kept.items())
    return f"<{name}{written}>"


def _style(text: str) -> str:
    """Declarations that load nothing; nothing of what could be read in two ways (escapes, the end of an element)."""
    plain = _LOADS.sub("none", _COMMENT.sub("", text))
    return "" if "\\" in plain or "<" in plain or _LOADS.search(plain) else plain
