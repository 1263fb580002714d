"""How fast the blocklist app loads 1,000,000 networks and answers, beside a peer in the same run.

    python benchmarks/blocklist.py [--entries 1000000] [--json]

Every measurement runs in a child process of its own, which reports its peak memory. The peer is PyPI's pytricia (a
Patricia trie in C) where it can be imported. Else it is the usual dictionary for each prefix length with the standard
library's ``ip_network`` as keys, on 50,000 of the same networks, because it is too slow for all of them.
"""

from __future__ import annotations

import argparse
import importlib.util
import ipaddress
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "community_apps" / "blocklist"
LOOKUPS = 200_000
NAIVE_ENTRIES = 50_000
LENGTHS = [32] * 12 + [24] * 4 + [23, 22, 20, 16]
Find = Callable[[str], bool]


@dataclass(frozen=True)
class Measurement:
    """One child's numbers; ``entry_us`` is microseconds to load one entry."""

    name: str
    entries: int
    load_s: float
    entry_us: float
    peak_mb: float
    lookups_per_s: float
    hits: int


def networks(count: int) -> Iterator[str]:
    """The same networks in every run, in no order, most of them single addresses."""
    chance = random.Random(20240101)
    for _ in range(count):
        length = chance.choice(LENGTHS)
        number = chance.randrange(1 << 24, 224 << 24) >> 32 - length << 32 - length
        yield f"{ipaddress.IPv4Address(number)}/{length}"


def questions() -> list[str]:
    """The addresses to look up, the same in every run."""
    chance = random.Random(7)
    return [str(ipaddress.IPv4Address(chance.randrange(1 << 24, 224 << 24))) for _ in range(LOOKUPS)]


# ------------------------------------------------------------------ candidates: a feed's path to a way to ask


def load_blocklist(path: Path) -> Find:
    """The app itself, through its own reader."""
    sys.path[:0] = [str(APP), str(ROOT / "sdk")]
    from feeds import FileFeed
    from networks import address_of

    listing = FileFeed(path).load()

    def find(ip: str) -> bool:
        address = address_of(ip)
        return address is not None and listing.find_address(*address) is not None

    return find


def load_pytricia(path: Path) -> Find:
    """A Patricia trie in C."""
    import pytricia  # type: ignore[import-not-found]

    trie = pytricia.PyTricia()
    with path.open() as lines:
        for line in lines:
            trie[line.strip()] = None
    return lambda ip: ip in trie


def load_naive(path: Path) -> Find:
    """One dictionary for each prefix length, keys as the standard library makes them."""
    known: dict[int, dict[ipaddress.IPv4Network, None]] = {}
    with path.open() as lines:
        for line in lines:
            network = ipaddress.IPv4Network(line.strip(), strict=False)
            known.setdefault(network.prefixlen, {})[network] = None
    lengths = sorted(known, reverse=True)
    return lambda ip: any(ipaddress.IPv4Network((ip, length), strict=False) in known[length] for length in lengths)


CANDIDATES = {"blocklist": load_blocklist, "pytricia": load_pytricia, "dict of ip_network": load_naive}


# ------------------------------------------------------------------------------------------------- measuring


def measure_here(name: str, path: Path, entries: int, asked: int) -> Measurement:
    """Load and ask in this very process."""
    started = time.perf_counter()
    find = CANDIDATES[name](path)
    load_s = time.perf_counter() - started
    addresses = questions()[:asked]
    started = time.perf_counter()
    hits = sum(map(find, addresses))
    rate = len(addresses) / (time.perf_counter() - started)
    return Measurement(name, entries, load_s, load_s / entries * 1e6, peak_mb(), rate, hits)


def peak_mb() -> float:
    """The most memory this process ever had. Linux lets ``ru_maxrss`` begin with the parent's: ask elsewhere there."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def measure(name: str, entries: int, folder: Path) -> Measurement:
    """The same in a child process, so that nothing else is in its memory."""
    path = folder / f"{entries}.netset"
    if not path.exists():
        with path.open("w") as lines:
            lines.writelines(f"{network}\n" for network in networks(entries))
    asked = LOOKUPS if name != "dict of ip_network" else LOOKUPS // 20
    command = [sys.executable, __file__, "--child", name, str(path), str(entries), str(asked)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Measurement(**json.loads(done.stdout))


def measure_all(entries: int) -> list[Measurement]:
    """The app, the peer, and the app again with as many entries as the peer had."""
    peer = "pytricia" if importlib.util.find_spec("pytricia") else "dict of ip_network"
    peer_entries = entries if peer == "pytricia" else min(entries, NAIVE_ENTRIES)
    with tempfile.TemporaryDirectory() as folder:
        found = [measure("blocklist", entries, Path(folder))]
        if peer_entries != entries:
            found.append(measure("blocklist", peer_entries, Path(folder)))
        return [*found, measure(peer, peer_entries, Path(folder))]


def ratios(found: Sequence[Measurement]) -> dict[str, float]:
    """The app against the peer on the same number of entries; above 1 the app is better."""
    app, peer = found[-2], found[-1]
    return {
        "load": peer.entry_us / app.entry_us,
        "memory": peer.peak_mb / app.peak_mb,
        "lookups": app.lookups_per_s / peer.lookups_per_s,
    }


def show(found: Sequence[Measurement]) -> None:
    """A table for people."""
    print(f"{'':22}{'entries':>10}{'load s':>9}{'µs/entry':>10}{'peak MB':>9}{'lookups/s':>12}")
    for one in found:
        numbers = f"{one.load_s:>9.2f}{one.entry_us:>10.2f}{one.peak_mb:>9.0f}{one.lookups_per_s:>12,.0f}"
        print(f"{one.name:22}{one.entries:>10,}{numbers}")
    against = ", ".join(f"{name} {value:.1f} x" for name, value in ratios(found).items())
    print(f"blocklist against {found[-1].name} on {found[-1].entries:,} entries: {against}")


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--child"]:
        name, path, entries, asked = sys.argv[2:]
        print(json.dumps(asdict(measure_here(name, Path(path), int(entries), int(asked)))))
        return
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    found = measure_all(options.entries)
    if options.json:
        print(json.dumps({"measurements": [asdict(one) for one in found], "ratios": ratios(found)}, indent=2))
    else:
        show(found)


if __name__ == "__main__":
    main()
