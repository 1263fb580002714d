"""Exceptions and pauses that are a connector's own, each looked at: it would do the same on any platform where its product is not reached.

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


_JSON = "reads a parameter as JSON, and its manifest gives no example of one"
_KEY = "signs with a key, and a made-up key is none"
_LOGIN = "waits for somebody to log in with a browser"
_NO_ANSWER = "uses the answer of a request that failed"
_TRIES = "tries again and again, with pauses"

JUDGED = tuple(
    Judgement(connector=connector, sign=sign, why=why)
    for connector, sign, why in (
        ("azuread", "no answer within", _LOGIN),
        ("box", "prepare_key", _KEY),
        ("carbonblackthreathunter", "bytes-like object", "encodes its settings, then searches them as text: written for Python 2"),
        ("cherwell", "cannot access local variable 'response'", _NO_ANSWER),
        ("ciscoesa", "'filter_value' failed validation", "says so itself, of a value that is no address"),
        ("ciscosecurefirewall", "has no attribute 'domains'", "wants what it sets only once it has logged in"),
        ("corelight", "lstat: path should be string", "removes a folder at its end that most actions never make"),
        ("corelight", "KeyError", "wants a parameter that its manifest calls optional"),
        ("cydarm", "update_case() missing 1 required", "wants a parameter that its manifest calls optional"),
        ("databricks", "cannot unpack non-iterable bool", "returns one value where it takes two apart"),
        ("databricks", "no answer within", f"{_TRIES}, for 300 s"),
        ("domaintoolsiris", "restdecided_list", "leaves a slash out of the address that it calls"),
        ("eclecticiq", "Check network connectivity", "tells by an exception that nothing is reached"),
        ("eclecticiq", "'NoneType' object has no attribute 'group'", "looks for a status code in what a broken connection says"),
        ("eclecticiq", "JSONDecodeError", _JSON),
        ("eclecticiq", "_handle_on_poll", _NO_ANSWER),
        ("fortimanager", "has no attribute 'logout'", "logs out where it never logged in"),
        ("jira", "no answer within", f"{_TRIES}, for 30 s"),
        ("linkutility", "has no attribute 'replace'", "wants one of two parameters that are both optional"),
        ("microsoft365defender", "no answer within", _LOGIN),
        ("microsoftdefenderforendpoint", "no answer within", _LOGIN),
        ("microsoftdefenderforendpoint", "_handle_on_poll", _NO_ANSWER),
        ("microsoftteams", "no answer within", _LOGIN),
        ("mongodb", "'Collection' object is not callable", "calls what the driver that it pins does not have any more"),
        ("mongodb", "no answer within", "its driver looks for a server for 30 s"),
        ("msadgraph", "no answer within", _LOGIN),
        ("msgraphforoffice365", "no answer within", _LOGIN),
        ("msgraphforsharepoint", "no answer within", _LOGIN),
        ("passivetotal", "_get_common_info", _NO_ANSWER),
        ("recordedfuture", "has no attribute 'status_code'", _NO_ANSWER),
        ("salesforce", "no answer within", _LOGIN),
        ("securitycenter", "no answer within", f"{_TRIES}, for 120 s"),
        ("securitytrails", "KeyError: 'keyword'", "wants a parameter that its manifest calls optional"),
        ("servicedeskplus", "'NoneType' object is not subscriptable", _NO_ANSWER),
        ("talosintelligencev2", "_fetch_taxonomy", _NO_ANSWER),
        ("threatgrid", "no answer within", "asks again and again whether a report is ready"),
        ("trendmicrovisionone", "JSONDecodeError", _JSON),
        ("trendmicrovisionone", "status=500 code='ConnectionError'", "tells by an exception that nothing is reached"),
        ("trendmicrovisionone", "Expected non-null value", _NO_ANSWER),
        ("trendmicrovisionone", "VAULT RESPONSE", "tells by an exception that there is no such file"),
        ("yara", "_handle_update_yara_sources() takes 1", "calls a function of its own with an argument that it does not take"),
        ("yara", "not tuple", "takes the whole answer of the vault for a path"),
    )
)


def judgement_on(connector: str, *texts: str) -> Judgement | None:
    """What was found when somebody looked at it."""
    together = " ".join(texts)
    return next((one for one in JUDGED if one.connector == connector and one.sign in together), None)
