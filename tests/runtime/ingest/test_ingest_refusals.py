"""Files that cannot be read: one sentence each, with place and cure, and nothing else is ever raised."""

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory.errors import UserError
from repertory.runtime.ingest import MAX_BYTES, Ingested, read_events, read_text

EVE = '{"event_type": "flow"}'
NATIVE = '{"name": "x"}'
CEF = "CEF:0|Acme|Sensor|1|2|name|3|a=1"


def _deep(depth):
    return '{"name": "x", "artifacts": ' + "[" * depth + "]" * depth + "}"


TEXTS = {
    "empty": ("", "f is empty"),
    "blank": (" \n\t\r\n", "f is empty"),
    "binary": ("{}\n\0", "f, line 2: not a text file"),
    "prose": ("\n\nhello there", "f, line 3: this is in no format that is recognised"),
    "number": ("42", "f, line 1: this is a single JSON value, but no object or list"),
    "string": ('"CEF"', "f, line 1: this is a single JSON value, but no object or list"),
    "null": ("null", "f, line 1: this is a single JSON value, but no object or list"),
    "nan at the top": ("NaN", "f, line 1: this is in no format that is recognised"),
    "empty list": ("[ ]", "f, line 1: the list holds no events"),
    "empty object": ("{}", "f, line 1: this object is neither an event nor a Suricata EVE record"),
    "unknown object": ('{"a": 1}', "f, line 1: this object is neither an event nor a Suricata EVE record"),
    "list of numbers": ("[\n1,\n2]", "f, line 2: an event must be an object, not integer (1 more such place after it)"),
    "list in a list": ("[[]]", "f, line 1: an event must be an object, not array"),
    "cut off object": ('{"name": "x",\n', "f, line 2: the JSON ends in the middle; was the file cut off?"),
    "cut off string": ('{"name": "x', "f, line 1: the JSON ends in the middle; was the file cut off?"),
    "cut off list": (f"[{NATIVE},\n{NATIVE}", "f, line 2: the JSON ends in the middle; was the file cut off?"),
    "lone bracket": ("[", "f, line 1: the JSON ends in the middle; was the file cut off?"),
    "missing comma": (f"[{NATIVE}\n{NATIVE}]", "f, line 2: not valid JSON: Expecting ',' delimiter at column 1"),
    "trailing comma": (f"[{NATIVE},]", "f, line 1: not valid JSON: Expecting value at column 16"),
    "single quotes": ("{'name': 'x'}", "f, line 1: not valid JSON: Expecting property name"),
    "text after a list": (f"[{NATIVE}]\n{NATIVE}", "f, line 2: there is more text after the end of the JSON value"),
    "text after an object": (
        '{\n"name": "x"}\n{\n"name": "y"}',
        "f, line 3: there is more text after the end of the JSON value",
    ),
    "broken line": (f"{NATIVE}\n{{oops\n{NATIVE}", "f, line 2: not valid JSON: Expecting property name"),
    "broken lines": (f"{NATIVE}\n{{\n{NATIVE} 1\nhello", "f, line 2: the JSON ends in the middle; was the file"),
    "two on a line": (
        f"{NATIVE}\n{NATIVE}{NATIVE}",
        "f, line 2: there is more text after the JSON value, at column 14",
    ),
    "prose line": (f"{NATIVE}\nhello", "f, line 2: not valid JSON: Expecting value at column 1"),
    "first line broken": (f'{{"name": \n{NATIVE}\n{NATIVE}', "f, line 1: the JSON ends in the middle"),
    "cef after json": (f"{NATIVE}\n{CEF}", "f, line 2: not valid JSON"),
    "json after cef": (f"{CEF}\n{NATIVE}", "f, line 2: no CEF record"),
    "native after eve": (f"{EVE}\n{NATIVE}", "f, line 2: this is a native event, but the file began with a Suricata"),
    "eve after native": (f"[{NATIVE},\n{EVE}]", "f, line 2: this is a Suricata EVE record, but the file began with a"),
    "nan": ('{"name": NaN}', "f, line 1: NaN is no JSON value"),
    "infinity": ('{"name": "x", "happened_at": -Infinity}', "f, line 1: -Infinity is no JSON value"),
    "too large a number": ('{"name": "x", "happened_at": 1e999}', "f, line 1: a number does not fit into 64 bits"),
    "too long a number": ('{"name": "x", "id": 99999999999999999999}', "f, line 1: a number does not fit into 64 bits"),
    "endless number": (f'{{"name": "x", "id": {"9" * 5000}}}', "f, line 1: a number has too many digits"),
    "key twice": ('{"name": "x",\n"name": "y"}', "f, line 1: the key 'name' occurs twice in one object"),
    "key twice inside": ('[{"name": "x"},\n{"a": {"b": 1, "b": 1}}]', "f, line 2: the key 'b' occurs twice"),
    "half a character": ('{"name": "\\ud800"}', "f, line 1: a string holds half of a character"),
    "half a character in a key": ('{"\\udc00": 1}', "f, line 1: a string holds half of a character"),
    "deep": (_deep(70), "f, line 1: lists and objects are nested more than 64 deep"),
    "very deep": (_deep(100_000), "f, line 1: lists and objects are nested more than 64 deep"),
    "endless lists": ("[" * 100_000, "f, line 1: lists and objects are nested more than 64 deep"),
    "three bad": (f"{NATIVE}\n{{}}\n{EVE}\n{{", "f, line 2: this object is neither an event nor a Suricata EVE record"),
}


@pytest.mark.parametrize(("text", "message"), TEXTS.values(), ids=TEXTS.keys())
def test_texts_are_refused_with_place_and_cure(text, message):
    with pytest.raises(UserError) as caught:
        read_text(text, origin="f")
    assert caught.value.message.startswith(message)
    assert caught.value.hint


def test_further_bad_places_are_counted():
    with pytest.raises(UserError, match=r"record \(2 more such places after it\)$"):
        read_text(TEXTS["three bad"][0], origin="f")


def test_a_message_about_an_unknown_form_names_the_known_ones():
    with pytest.raises(UserError) as caught:
        read_text('{"a": 1}', origin="f")
    for word in ("JSON", "Suricata EVE", "event_type", "CEF:0|"):
        assert word in caught.value.hint


def test_files_are_recognised_by_content_not_by_name(tmp_path):
    for text in (EVE, NATIVE, CEF):
        path = tmp_path / "events.pdf"
        path.write_text(text)
        (one,) = read_events(path)
        assert one.raw == text


def test_a_byte_order_mark_is_no_trouble(tmp_path):
    path = tmp_path / "events.json"
    path.write_bytes(b"\xef\xbb\xbf" + NATIVE.encode())
    assert [one.event.name for one in read_events(path)] == ["x"]


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match=r"there is no file .*gone\.json") as caught:
        read_events(tmp_path / "gone.json")
    assert caught.value.hint


def test_a_folder(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        read_events(tmp_path)


def test_a_path_through_a_file(tmp_path):
    (tmp_path / "file").write_text(NATIVE)
    with pytest.raises(UserError, match=r"cannot read .*: Not a directory"):
        read_events(tmp_path / "file" / "below")


@pytest.mark.may_skip("continuous integration is the superuser")
@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = tmp_path / "secret.json"
    path.write_text(NATIVE)
    path.chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        read_events(path)


def test_other_encodings_are_named_with_their_line(tmp_path):
    path = tmp_path / "latin1.cef"
    path.write_bytes(CEF.encode() + b"\n" + "CEF:0|Acme|Größe".encode("latin-1"))
    with pytest.raises(UserError, match=r"latin1\.cef, line 2: not UTF-8 text \(byte 0xf6\)") as caught:
        read_events(path)
    assert "UTF-8" in caught.value.hint


def test_too_large_a_file(tmp_path):
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(UserError, match="larger than the limit of 100 MB"):
        read_events(path)


PIECES = st.sampled_from(
    [
        EVE,
        NATIVE,
        CEF,
        "{",
        "}",
        "[",
        "]",
        ",",
        "\n",
        " ",
        ":",
        '"name"',
        '"event_type"',
        '"alert"',
        "\\",
        "|",
        "=",
        "1",
    ]
)
ANY_TEXT = st.text() | st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)


@settings(deadline=None)
@given(ANY_TEXT)
def test_any_text_is_read_or_refused(text):
    try:
        ingested = read_text(text, origin="f")
    except UserError as error:
        assert error.message.startswith("f")
        assert error.hint
    else:
        assert ingested
        assert all(isinstance(one, Ingested) and one.event.name and one.raw in text for one in ingested)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)
EVE_KEYS = ("timestamp", "flow_id", "src_ip", "src_port", "alert", "http", "dns", "tls", "files", "fileinfo", "ether")
EVE_RECORDS = st.dictionaries(st.sampled_from(EVE_KEYS), JSON)


@settings(deadline=None)
@given(EVE_RECORDS, st.sampled_from(["alert", "dns", "http", "fileinfo", "x"]))
def test_any_record_is_read_or_refused(record, kind):
    text = json.dumps({**record, "event_type": kind})
    try:
        (one,) = read_text(text, origin="f")
    except UserError as error:
        assert error.message.startswith("f, line 1: ")
    else:
        assert one.event.source == "suricata"
