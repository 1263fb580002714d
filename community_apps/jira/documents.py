"""Texts of Jira in the cloud: documents of paragraphs, and back."""

from __future__ import annotations

from typing import Any, Dict, List

_BLOCKS = ("paragraph", "heading", "listItem", "codeBlock", "blockquote", "tableRow", "rule")
_DEEPEST = 40


def document(text: str) -> Dict[str, Any]:
    """A document with one paragraph a line; a paragraph without text has no content."""
    lines = text.replace("\0", "").splitlines() or [""]
    paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in lines]
    return {"type": "doc", "version": 1, "content": paragraphs}


def plain(value: Any) -> str:
    """What a document says, or the text that it is already.

    >>> plain(document("two\\nlines"))
    'two\\nlines'
    """
    if isinstance(value, str) or value is None:
        return value or ""
    parts: List[str] = []
    _gather(value, parts, 0)
    return "".join(parts).strip("\n")


def _gather(node: Any, parts: List[str], depth: int) -> None:
    if not isinstance(node, dict) or depth > _DEEPEST:
        return
    kind = node.get("type")
    if kind == "text":
        parts.append(str(node.get("text") or ""))
    elif kind in ("mention", "emoji", "inlineCard"):
        attributes = node.get("attrs") or {}
        parts.append(str(attributes.get("text") or attributes.get("url") or ""))
    elif kind == "hardBreak":
        parts.append("\n")
    for child in node.get("content") or ():
        _gather(child, parts, depth + 1)
    if kind in _BLOCKS:
        parts.append("\n")
