"""WHOIS through real sockets: the simulator, chains of simulators, and servers that misbehave."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from repertory_sdk import ActionFailed
from repertory_sdk.loader import load_module
from repertory_sdk.manifest import load_app
from repertory_sdk.testing import assert_manifest_current
from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):  # other apps have an app.py too: each test module keeps its own
    app = load_module(HERE, "app.py")
    import simulator
    from whois_client import Place

GENERIC_DOMAIN = """   Domain Name: EVIL.EXAMPLE
   Registry Domain ID: 1_DOMAIN
   Registrar WHOIS Server:
   Registrar URL: http://registrar.example
   Updated Date: 2024-01-05T10:00:00Z
   Creation Date: 1999-12-31T23:59:59Z
   Registry Expiry Date: 2030-06-01T00:00:00Z
   Registrar: Example Registrar, Inc.
   Registrar Abuse Contact Email: abuse@registrar.example
   Domain Status: clientHold https://icann.org/epp#clientHold
   Domain Status: ok (https://icann.org/epp#ok)
   Registrant Organization: REDACTED FOR PRIVACY
   Registrant Name: Jane Example
   Name Server: NS1.EVIL.EXAMPLE
   Name Server: ns2.evil.example.
   Name Server: NS1.EVIL.EXAMPLE
>>> Last update of WHOIS database: 2024-02-01T00:00:00Z <<<
"""
OLD_STYLE = """domain:       evil.example
nserver:      ns1.evil.example. 192.0.2.1
nserver:      ns2.evil.example.
state:        REGISTERED, DELEGATED, VERIFIED
org:          Example Ltd
registrar:    EXAMPLE-RU
created:      2003.03.07
paid-till:    2031.03.08
"""


@contextmanager
def simulator_process(*arguments):
    """The simulator in a process of its own; where it listens."""
    command = [sys.executable, str(HERE / "simulator.py"), "--port", "0", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        place = json.loads(process.stdout.readline())
        yield Place(place["host"], place["port"])
    finally:
        process.stdin.close()
        assert process.wait(10) == 0
        process.stdout.close()


@pytest.fixture(scope="module")
def demo():
    with simulator_process() as place:
        yield place


@contextmanager
def running(answers):
    """The simulator's server within this process, which takes less time; where it listens."""
    server = simulator.Registry(0, answers)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield Place(simulator.HOST, server.port)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve():
    """Starts servers with given answers."""
    with ExitStack() as stack:
        yield lambda answers: stack.enter_context(running(answers))


def asset(place, **settings):
    return app.Whois(server=place.host, port=place.port, **{"timeout_s": 2.0, **settings})


# -------------------------------------------------------------------------- the demonstration


@pytest.mark.parametrize(
    ("ip", "fields"),
    [
        ("8.42.77.171", ("EXAMPLE-SURVEY", "Example Survey Project", "US", "abuse@survey.example")),
        ("80.211.246.121", ("EXAMPLE-HOSTING", "Example Hosting", "IT", "abuse@hosting.example")),
        ("37.49.231.178", ("EXAMPLE-NETWORKS", "Example Networks", "NL", "abuse@networks.example")),
    ],
)
def test_owners_of_addresses(demo, ip, fields):
    outcome = app.whois_ip(asset(demo), ip)

    found = outcome.data
    assert (found.ip, found.found, outcome.message) == (ip, True, "")
    assert (found.network_name, found.organization, found.country, found.abuse_email) == fields
    assert found.servers == [str(demo)]
    assert found.raw.startswith(f"# {demo}\n")


def test_the_owner_of_a_domain(demo):
    found = app.whois_domain(asset(demo), "Scan.Example.Net.").data

    assert (found.found, found.registrar, found.registrant) == (True, "Example Registrar", "Example Survey Project")
    assert (found.created, found.updated, found.expires) == ("1995-08-14", "2023-08-13", "2030-08-13")
    assert (found.name_servers, found.status) == (["ns1.example.net", "ns2.example.net"], ["clientTransferProhibited"])
    assert found.abuse_email == "abuse@registrar.example"


def test_what_nobody_registered_is_an_answer(demo):
    owner = app.whois_ip(asset(demo), "198.51.100.7")
    domain = app.whois_domain(asset(demo), "nothing.example")

    assert (owner.data.found, owner.message) == (False, f"{demo} knows no 198.51.100.7")
    assert (domain.data.found, domain.message) == (False, f"{demo} knows no nothing.example")
    assert "No match" in domain.data.raw


def test_connectivity(demo):
    assert app.test_connectivity(asset(demo)).startswith(f"{demo} answers (")


# ------------------------------------------------------------------------------------ answers


@pytest.mark.parametrize(
    "text",
    [
        'No match for domain "EVIL.EXAMPLE".\n',
        "NOT FOUND\n>>> Last update: 2024 <<<\n",
        "%ERROR:101: no entries found\n%\n% No entries found in source RIPE.\n",
        "Domain: evil.example\nStatus: free\n",
        "The queried object does not exist: evil.example\n",
        "Domain Status: available\nDomain Name: evil.example\n",
        "domain: EXAMPLE\norganisation: Root of the example\ncreated: 1985-01-01\nnserver: A.NIC.EXAMPLE\n",
    ],
)
def test_every_way_to_say_no(serve, text):
    outcome = app.whois_domain(asset(serve({"evil.example": text})), "evil.example")

    assert not outcome.data.found
    assert "knows no evil.example" in outcome.message


def test_old_encodings_are_read(serve):
    place = serve({"evil.example": {"latin1": "registrar: Müller Domänen\ncreated: 2001-02-28\n"}})

    assert app.whois_domain(asset(place), "evil.example").data.registrar == "Müller Domänen"


# ---------------------------------------------------------------------------------- referrals


@pytest.mark.parametrize(
    "referral",
    ["refer:        {}", "whois: {}", "ReferralServer:  whois://{}", "Registrar WHOIS Server: {}", "Whois Server: {}"],
)
def test_referrals_are_followed_to_their_port(serve, referral):
    second = serve({"evil.example": GENERIC_DOMAIN})
    first = serve({"evil.example": f"domain: evil.example\n{referral.format(second)}\n"})

    found = app.whois_domain(asset(first), "evil.example").data

    assert found.servers == [str(first), str(second)]
    assert found.registrar == "Example Registrar, Inc."
    assert f"# {second}\n" in found.raw


def test_referrals_are_left_alone_where_the_asset_says_so(serve):
    first = serve({"evil.example": f"{OLD_STYLE}refer: 127.0.0.1:1\n"})

    found = app.whois_domain(asset(first, follow=False), "evil.example").data

    assert (found.servers, found.registrar) == ([str(first)], "EXAMPLE-RU")


def test_what_the_last_server_leaves_out_comes_from_the_one_before(serve):
    second = serve({"evil.example": "Registrar: Second\nRegistrant Name: Jane Example\n"})
    first = serve({"evil.example": f"Registrar: First\nCreation Date: 2001-02-28\nRegistrar WHOIS Server: {second}\n"})

    found = app.whois_domain(asset(first), "evil.example").data

    assert (found.registrar, found.created, found.registrant) == ("Second", "2001-02-28", "Jane Example")


def test_a_server_that_only_names_another_adds_nothing(serve):
    second = serve({"192.0.2.7": "inetnum: 192.0.2.0 - 192.0.2.255\nnetname: EXAMPLE\n"})
    first = serve({"192.0.2.7": f"refer: {second}\ninetnum: 192.0.0.0 - 192.255.255.255\norganisation: The Root\n"})

    found = app.whois_ip(asset(first), "192.0.2.7").data

    assert (found.cidr, found.network_name, found.organization) == (["192.0.2.0/24"], "EXAMPLE", None)


def test_at_most_three_referrals_are_followed(serve):
    place = serve({"evil.example": GENERIC_DOMAIN})
    chain = [place]
    for _ in range(4):
        place = serve({"evil.example": f"Registrar: Example {len(chain)}\nWhois Server: {place}\n"})
        chain.insert(0, place)

    outcome = app.whois_domain(asset(chain[0]), "evil.example")

    assert outcome.data.servers == [str(step) for step in chain[:4]]
    assert outcome.message == f"the referral to {chain[4]} was not followed: 3 were followed already"


def test_a_circle_ends(serve):
    answers = {}
    first = serve(answers)
    second = serve({"evil.example": f"Registrar: Second\nWhois Server: {first}\n"})
    answers["evil.example"] = f"Registrar: First\nrefer: {first}\nrefer: {second}\n"

    found = app.whois_domain(asset(first), "evil.example").data

    assert (found.servers, found.registrar) == ([str(first), str(second)], "Second")


def test_the_simulator_serves_what_a_file_says(tmp_path):
    (tmp_path / "answers.json").write_text(json.dumps({"evil.example": GENERIC_DOMAIN}))

    with simulator_process("--data", str(tmp_path / "answers.json")) as place:
        assert app.whois_domain(asset(place), "evil.example").data.found
        assert not app.whois_domain(asset(place), "scan.example.net").data.found


@pytest.mark.parametrize("broken", ["silent", "empty", "drip"])
def test_a_server_that_only_knows_more_may_fail(serve, broken):
    second = serve({"evil.example": {"behaviour": broken}})
    first = serve({"evil.example": f"{OLD_STYLE}Registrar WHOIS Server: {second}\n"})

    outcome = app.whois_domain(asset(first, timeout_s=0.2), "evil.example")

    assert (outcome.data.registrar, outcome.data.servers) == ("EXAMPLE-RU", [str(first)])
    assert str(second) in outcome.message


def test_a_server_to_be_asked_instead_must_answer(serve):
    second = serve({"evil.example": {"behaviour": "empty"}})
    first = serve({"evil.example": f"organisation: The Root\nrefer: {second}\n"})

    with pytest.raises(ActionFailed, match=f"{second} closed the connection without an answer"):
        app.whois_domain(asset(first), "evil.example")


# ----------------------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("answer", "said", "retry"),
    [
        ({"behaviour": "silent"}, "no answer from {} within 0.2 s; try again later", True),
        ({"behaviour": "drip"}, "no answer from {} within 0.2 s; try again later", True),
        ({"behaviour": "empty"}, "{} closed the connection without an answer", True),
        ({"behaviour": "garbage"}, "{} answered nonsense when asked for evil.example", False),
        ("HTTP/1.1 400 Bad Request\r\n\r\n<html></html>", "{} answered nonsense", False),
        ("%ERROR:201: access denied for 192.0.2.1\n", "{} refuses more queries for now", True),
        ("WHOIS LIMIT EXCEEDED - SEE WWW.REGISTRY.EXAMPLE\n", "{} refuses more queries for now", True),
        ("Quota exceeded\n", "{} refuses more queries for now (Quota exceeded)", True),
        ("Your query rate is too high. Please try again later.\n", "{} refuses more queries for now", True),
    ],
)
def test_a_server_that_does_not_answer_properly_is_named(serve, answer, said, retry):
    place = serve({"evil.example": answer})

    with pytest.raises(ActionFailed) as failure:
        app.whois_domain(asset(place, timeout_s=0.2), "evil.example")

    assert str(failure.value).startswith(said.format(place))
    assert failure.value.retry is retry


def test_terms_of_use_that_mention_limits_are_no_refusal(serve):
    text = GENERIC_DOMAIN + "Terms: you may be blocked temporarily where the query rate limit is exceeded.\n"

    assert app.whois_domain(asset(serve({"evil.example": text})), "evil.example").data.found


def test_an_endless_answer_is_cut(serve):
    outcome = app.whois_domain(asset(serve({"evil.example": {"behaviour": "huge"}})), "evil.example")

    assert len(outcome.data.raw) == 256 * 1024
    assert "was cut at 256 KB" in outcome.message


def test_a_refused_connection_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can have it
        place = Place(*taken.getsockname())
        with pytest.raises(ActionFailed, match=f"{place} cannot be asked: .*refused") as failure:
            app.test_connectivity(asset(place))

    assert failure.value.retry


@pytest.mark.parametrize("server", ["", "no such server", "a..b", "x" * 300, "\ud800"])
def test_a_server_without_an_address_is_named(server):
    with pytest.raises(ActionFailed, match="cannot be asked"):
        app.test_connectivity(app.Whois(server=server))


# --------------------------------------------------------------------------------- bad inputs


@pytest.mark.parametrize(
    "ip", ["", "evil.example", "256.1.1.1", "010.1.1.1", "1.2.3.4/24", "\u0661.2.3.4", "1.2.3.4\r\nx"]
)
def test_what_is_no_address_is_refused(demo, ip):
    with pytest.raises(ActionFailed, match="is not an IP address"):
        app.whois_ip(asset(demo), ip)


@pytest.mark.parametrize(
    "ip", ["10.0.0.1", "127.0.0.1", "192.168.0.1", "::1", "fe80::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1"]
)
def test_nobody_is_asked_about_internal_addresses(ip):
    outcome = app.whois_ip(app.Whois(server="127.0.0.1", port=1), ip)

    assert (outcome.data.found, outcome.data.servers) == (False, [])
    assert "is not a public address" in outcome.message


@pytest.mark.parametrize(
    "domain",
    ["", ".", "com", "localhost", "a..b", "a b.example", "-x.example", "8.42.77.171", "http://evil.example/",
     "x" * 64 + ".example", ("x" * 60 + ".") * 5 + "example", "\ud800.example", "evil.example\r\nhelp",
     "evil.example\x00"],
)  # fmt: skip
def test_what_is_no_domain_is_refused(demo, domain):
    with pytest.raises(ActionFailed, match="is not a domain name"):
        app.whois_domain(asset(demo), domain)


def test_international_names_are_asked_in_ascii(serve):
    place = serve({"xn--bcher-kva.example": GENERIC_DOMAIN})

    assert app.whois_domain(asset(place), "Bücher.example").data.found


def test_the_simulator_ends_when_it_is_terminated():
    command = [sys.executable, str(HERE / "simulator.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["host"] == "127.0.0.1"
        process.terminate()

        assert process.wait(10) == 0


def test_the_manifest_is_what_the_code_says():
    assert_manifest_current(HERE)


def test_the_readme_names_everything_in_the_manifest():
    manifest = load_app(json.loads((HERE / "app.json").read_text("utf-8")))
    outputs = [output.path for action in manifest.actions for output in action.outputs]
    names = [setting.name for setting in manifest.settings] + outputs
    permissions = [*manifest.permissions.hosts, *manifest.permissions.files]
    readme = (HERE / "README.md").read_text("utf-8")

    assert [name for name in [*names, *permissions] if f"`{name}`" not in readme] == []
    assert [action.name for action in manifest.actions if f"### {action.name}\n" not in readme] == []
