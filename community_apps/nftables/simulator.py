"""nftables, simulated: a machine reached by SSH whose nft keeps tables, sets and rules in memory."""

from __future__ import annotations

import json
from typing import Any, Dict, List

from repertory_sdk.testing.ssh_simulator import Command, Said, SshSimulator

OTHERS = """table inet filter { # handle 1
\tchain input { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport 22 accept comment "do not drop" # handle 2
\t\tlog prefix "reject " counter packets 0 bytes 0 # handle 3
\t}
}
"""

simulator = SshSimulator("nftables", settings={"host": "{host}"}, state=lambda: {"tables": {}})


@simulator.command("printenv")
def printenv(_: Command) -> Any:
    return "192.0.2.200 50000 192.0.2.1 22\n"


@simulator.command("nft")
def nft(command: Command) -> Any:
    arguments = [argument for argument in command.arguments if argument not in ("-j", "-a")]
    if arguments == ["--version"]:
        return "nftables v1.0.6 (Lester Gooch #5)\n"
    if arguments == ["list", "ruleset"]:
        return OTHERS + "".join(map(_as_text, command.state["tables"].values()))
    if arguments[:2] == ["list", "table"]:
        table = command.state["tables"].get(arguments[3])
        if table is None:
            return Said(1, stderr=f"Error: No such file or directory\nlist table inet {arguments[3]}\n")
        return json.dumps(_as_json(table)) if "-j" in command.arguments else _as_text(table)
    return _changed(command.state["tables"], json.loads(command.input)["nftables"])


def _as_json(table: Dict[str, Any]) -> Dict[str, List[Any]]:
    version = {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}
    sets = [{"set": {"family": "inet", "name": name, "elem": elements}} for name, elements in table["sets"].items()]
    rules = [{"rule": {"chain": chain, **rule}} for chain, each in table["chains"].items() for rule in each]
    return {"nftables": [{"metainfo": version}, {"table": {"family": "inet", "name": table["name"]}}, *sets, *rules]}


def _as_text(table: Dict[str, Any]) -> str:
    lines, handle = [f"table inet {table['name']} {{ # handle 9"], 1
    for chain, rules in table["chains"].items():
        lines += [f"\tchain {chain} {{ # handle {handle}", f"\t\ttype filter hook {chain} priority -10; policy accept;"]
        for rule in rules:
            handle += 1
            named = rule["expr"][0]["match"]["right"]
            lines.append(f'\t\tip saddr {named} counter packets 0 bytes 0 drop comment "{rule["comment"]}" # handle {handle}')
        lines.append("\t}")
    return "\n".join([*lines, "}", ""])


def _changed(tables: Dict[str, Any], commands: List[Dict[str, Any]]) -> Any:
    """As one transaction: on a copy, which is kept if nothing fails."""
    copy = json.loads(json.dumps(tables))
    for command in commands:
        ((verb, what),) = command.items()
        ((kind, thing),) = what.items()
        name = thing.get("table") or thing["name"]
        if kind == "table":
            copy.setdefault(name, {"name": name, "sets": {}, "chains": {}})
        elif name not in copy:
            return Said(1, stderr="Error: Could not process rule: No such file or directory\n")
        elif kind == "set":
            copy[name]["sets"].setdefault(thing["name"], [])
        elif kind == "chain":
            rules = copy[name]["chains"].setdefault(thing["name"], [])
            rules[:] = [] if verb == "flush" else rules
        elif kind == "rule":
            copy[name]["chains"][thing["chain"]].append({"comment": thing["comment"], "expr": thing["expr"]})
        elif not _element(copy[name]["sets"][thing["name"]], verb, thing["elem"][0]):
            return Said(1, stderr="Error: Could not process rule: No such file or directory\n")
    tables.clear()
    tables.update(copy)
    return ""


def _element(elements: List[Any], verb: str, element: Any) -> bool:
    said = element["elem"] if isinstance(element, dict) and "elem" in element else {"val": element}
    same = [each for each in elements if each["elem"]["val"] == said["val"]]
    if verb == "delete":
        elements[:] = [each for each in elements if each not in same]
        return bool(same)
    if not same:
        elements.append({"elem": {**said, **({"expires": said["timeout"]} if "timeout" in said else {})}})
    return True


if __name__ == "__main__":
    simulator.main()
