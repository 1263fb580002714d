"""The forms in which registries write, read into one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repertory_sdk.testing.loading import importable

HERE = Path(__file__).resolve().parent

with importable(HERE):
    import whois_client
    import whois_fields
    from whois_client import Place

# Shaped like the answers of the registries; owners are invented.
ARIN = """
#
# ARIN WHOIS data and services are subject to the Terms of Use
#

# start

NetRange:       198.51.0.0 - 198.51.255.255
CIDR:           198.51.0.0/16
NetName:        WIDE-BLOCK
RegDate:        1993-05-01

OrgName:        Example Carrier
OrgId:          EXC
Country:        US

# end


# start

NetRange:       198.51.100.0 - 198.51.100.255
CIDR:           198.51.100.0/24
NetName:        EXAMPLE-LAB
NetHandle:      NET-198-51-100-0-1
Parent:         WIDE-BLOCK (NET-198-51-0-0-1)
RegDate:        2009-10-20

CustName:       Example Laboratory
City:           Springfield
Country:        US

OrgAbuseHandle: ABUSE1-ARIN
OrgAbuseEmail:  abuse@lab.example

# end
"""
RIPE = """% This is the RIPE Database query service.

% Information related to '203.0.113.0 - 203.0.113.255'

% Abuse contact for '203.0.113.0 - 203.0.113.255' is 'abuse@hoster.example'

inetnum:        203.0.113.0 - 203.0.113.255
netname:        HOSTER-NET
descr:          Example Hoster
country:        NL # EU
org:            ORG-EH1-RIPE
created:        2012-03-15T09:30:00Z
source:         RIPE

organisation:   ORG-EH1-RIPE
org-name:       Example Hoster B.V.
country:        DE
created:        2004-01-01T00:00:00Z

route:          203.0.113.0/24
origin:         AS64500
"""
RIPE_V6 = """inet6num:       2001:db8::/32
netname:        DOC-V6
org-name:       Example Six
country:        fr
created:        2004-07-01T00:00:00Z
"""
APNIC = """% [whois.apnic.net]
inetnum:        192.0.2.0 - 192.0.2.127
netname:        EXAMPLE-AP
descr:          Example Pacific
country:        AU
abuse-mailbox:  abuse@pacific.example
last-modified:  2020-07-22T02:11:01Z
"""
LACNIC = """% Copyright LACNIC
inetnum:     200.3.12/22
status:      allocated
owner:       Example Andina
ownerid:     UY-EXAN-LACNIC
country:     UY
created:     20020801
changed:     20180212
"""
UNMANAGED = """inetnum:        198.18.0.0 - 198.19.255.255
netname:        NON-RIPE-NCC-MANAGED-ADDRESS-BLOCK
country:        EU # Country is really world wide
"""

NETWORKS = [
    (ARIN, "198.51.100.7", "198.51.100.0 - 198.51.100.255", ["198.51.100.0/24"], "EXAMPLE-LAB", "Example Laboratory",
     "US", "abuse@lab.example", "2009-10-20"),
    (ARIN, "198.51.9.9", "198.51.0.0 - 198.51.255.255", ["198.51.0.0/16"], "WIDE-BLOCK", "Example Carrier", "US",
     "abuse@lab.example", "1993-05-01"),
    (RIPE, "203.0.113.9", "203.0.113.0 - 203.0.113.255", ["203.0.113.0/24"], "HOSTER-NET", "Example Hoster B.V.", "NL",
     "abuse@hoster.example", "2012-03-15"),
    (RIPE_V6, "2001:db8::1", "2001:db8:: - 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", ["2001:db8::/32"], "DOC-V6",
     "Example Six", "FR", None, "2004-07-01"),
    (APNIC, "192.0.2.5", "192.0.2.0 - 192.0.2.127", ["192.0.2.0/25"], "EXAMPLE-AP", "Example Pacific", "AU",
     "abuse@pacific.example", None),
    (LACNIC, "200.3.12.1", "200.3.12.0 - 200.3.15.255", ["200.3.12.0/22"], "UY-EXAN-LACNIC", "Example Andina", "UY",
     None, "2002-08-01"),
]  # fmt: skip

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
NOMINET = """
    Domain name:
        evil.example

    Registrar:
        Example Names Ltd [Tag = EXN]
        URL: https://names.example

    Relevant dates:
        Registered on: 14-Feb-1998
        Expiry date:  14-Feb-2031
        Last updated:  02-Jan-2024

    Registration status:
        Registered until expiry date.

    Name servers:
        ns1.names.example  192.0.2.1
        ns2.names.example
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
DOTTED = """domain.............: evil.example
status.............: Registered
created............: 27.3.2003
expires............: 5.7.2031
modified...........: 4.6.2023
holder.............: Example Oy
nserver............: ns1.example.fi [OK]
registrar..........: Example Registrar Oy
"""

DOMAINS = [
    (GENERIC_DOMAIN, {
        "registrar": "Example Registrar, Inc.", "created": "1999-12-31", "expires": "2030-06-01",
        "updated": "2024-01-05", "name_servers": ["ns1.evil.example", "ns2.evil.example"],
        "status": ["clientHold", "ok"], "registrant": "Jane Example", "abuse_email": "abuse@registrar.example",
    }),
    (NOMINET, {
        "registrar": "Example Names Ltd [Tag = EXN]", "created": "1998-02-14", "expires": "2031-02-14",
        "updated": "2024-01-02", "name_servers": ["ns1.names.example", "ns2.names.example"],
        "status": ["Registered until expiry date."],
    }),
    (OLD_STYLE, {
        "registrar": "EXAMPLE-RU", "created": "2003-03-07", "expires": "2031-03-08", "registrant": "Example Ltd",
        "name_servers": ["ns1.evil.example", "ns2.evil.example"], "status": ["REGISTERED, DELEGATED, VERIFIED"],
    }),
    (DOTTED, {
        "registrar": "Example Registrar Oy", "created": "2003-03-27", "expires": "2031-07-05",
        "updated": "2023-06-04", "registrant": "Example Oy", "name_servers": ["ns1.example.fi"],
        "status": ["Registered"],
    }),
]  # fmt: skip


@pytest.mark.parametrize("row", NETWORKS, ids=["ARIN", "ARIN outer", "RIPE", "RIPE IPv6", "APNIC", "LACNIC"])
def test_answers_of_every_regional_registry(row):
    text, ip, *expected = row
    names = ["range", "cidr", "network_name", "organization", "country", "abuse_email", "registered"]

    found = whois_fields.network_fields(text, ip)

    assert [found.get(name) for name in names] == expected


@pytest.mark.parametrize(("text", "fields"), DOMAINS, ids=["ICANN", "Nominet", "TCI", "dotted"])
def test_answers_of_registries(text, fields):
    assert whois_fields.domain_fields(text) == fields


def test_a_block_that_others_look_after_is_no_owner():
    assert whois_fields.network_fields(UNMANAGED, "198.18.0.1") == {}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2001-02-28T10:00:00Z", "2001-02-28"),
        ("2001/02/28 10:00:00 (JST)", "2001-02-28"),
        ("2001.02.28", "2001-02-28"),
        ("20010228", "2001-02-28"),
        ("28-Feb-2001", "2001-02-28"),
        ("28 February 2001", "2001-02-28"),
        ("28.2.2001", "2001-02-28"),
        ("before Aug-1996", "before Aug-1996"),
        ("2001-13-01", "2001-13-01"),
    ],
)
def test_days_are_read_in_every_form(text, day):
    assert whois_fields.date_of(text) == day


LINES = st.tuples(
    st.sampled_from(
        [*whois_fields.NETWORK["range"], "cidr", "country", "created", "domain", "Name Server", "refer", ""]
    ),
    st.text(max_size=12)
    | st.sampled_from(["1.2.3.4 - 1.2.3.3", "::1 - 1.2.3.4", "0.0.0.0/0", "1/8", "2001-99-99", "-"]),
)


@settings(deadline=None)
@given(st.lists(LINES.map(": ".join), max_size=12).map("\n".join))
def test_no_answer_breaks_the_reader(text):
    assert set(whois_fields.network_fields(text, "1.2.3.4")) <= set(whois_fields.NETWORK)
    assert set(whois_fields.domain_fields(text)) <= {*whois_fields.DOMAIN, "name_servers", "status"}
    assert len(whois_client.referral_of(text, Place("whois.example", 43), set())) == 2
