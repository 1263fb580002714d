"""Exceptions that are a connector's own, each looked at: whatever runs it, it would raise them where its product does not answer.

``sign`` is in the message, the error, the line it came from, or the progress that was told before.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """Why what one connector does is its own doing."""

    connector: str
    sign: str
    why: str


_NO_ANSWER = "uses the answer of a request that failed"

JUDGED = tuple(
    Judgement(connector=connector, sign=sign, why=why)
    for connector, sign, why in (
        ("carbonblackthreathunter", "bytes-like object", "encodes its settings, then searches them as text: written for Python 2"),
        ("ciscosecurefirewall", "has no attribute 'domains'", "wants what it sets only once it has logged in"),
        ("databricks", "cannot unpack non-iterable bool", "returns one value where it takes two apart"),
        ("domaintoolsiris", "restdecided_list", "leaves a slash out of the address that it calls"),
        ("eclecticiq", "Check network connectivity", "tells by an exception that nothing is reached"),
        ("eclecticiq", "'NoneType' object has no attribute 'group'", "looks for a status code in what a broken connection says"),
        ("eclecticiq", "_handle_on_poll IndexError", _NO_ANSWER),
        ("fortimanager", "has no attribute 'logout'", "logs out where it never logged in"),
        ("linkutility", "has no attribute 'replace'", "wants one of two parameters that are both optional"),
        ("mongodb", "'Collection' object is not callable", "calls what the driver that it pins does not have any more"),
        ("passivetotal", "_get_common_info", _NO_ANSWER),
        ("talosintelligencev2", "_fetch_taxonomy", _NO_ANSWER),
    )
)


def judgement_on(connector: str, *texts: str) -> Judgement | None:
    """What was found when somebody looked at it."""
    together = " ".join(texts)
    return next((one for one in JUDGED if one.connector == connector and one.sign in together), None)
