"""What a domain shares with others: registrant, name servers, addresses, certificates, and how many domains share each."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Sequence

from domaintools_client import inner, number, objects, text

SEARCHES = {"registrant email": "email", "name server": "nameserver_host", "ip": "ip", "ssl hash": "ssl_hash"}
"""The name under which Iris searches for each."""


class Pivot(NamedTuple):
    """One thing that a domain has, and how many domains have it."""

    shared: str
    value: str
    count: int

    @property
    def search(self) -> Dict[str, str]:
        """What finds these domains."""
        return {SEARCHES[self.shared]: self.value}


def pivots_of(result: Dict[str, Any], wanted: Sequence[str]) -> List[Pivot]:
    """What Iris says of one domain, that which the fewest share first."""
    places = {
        "registrant email": objects(inner(result, "registrant_contact", "email")),
        "name server": [inner(one, "host") for one in objects(result.get("name_server"))],
        "ip": [inner(one, "address") for one in objects(result.get("ip"))],
        "ssl hash": [inner(one, "hash") for one in objects(result.get("ssl_info"))],
    }
    found = [pivot for shared in wanted for pivot in _counted(shared, places[shared])]
    return sorted(set(found), key=lambda pivot: (pivot.count, pivot.shared, pivot.value))


def _counted(shared: str, values: Sequence[Any]) -> Iterator[Pivot]:
    for one in values:
        value, count = text(inner(one, "value")), number(inner(one, "count"))
        if value is not None and count is not None:
            yield Pivot(shared, value, count)
