"""Block addresses on the firewalls of a Cisco Secure Firewall Management Center, by a network group that a rule denies."""

from __future__ import annotations

import base64
import functools
import json
import time
from typing import Any, Dict, Iterator, List, Optional
from urllib.parse import quote

from repertory_sdk import ActionFailed, App, Output, Secret, indicators, output, param, setting
from repertory_sdk.http import Answer, Http, HttpAsset

app = App(
    "cisco_fmc",
    version="1.0.0",
    product="Cisco FMC",
    vendor="Cisco Systems",
    summary=__doc__,
    requires=["requests>=2.31"],
    hosts=["${asset.url}", "${asset.proxy}"],
    files=["${asset.ca_file}"],
    concurrency=1,  # a group is written as a whole: the last one to write wins
)
PAGE = 100
LOGIN = "/api/fmc_platform/v1/auth/generatetoken"
ENDED = ("Deployed", "Failed", "SUCCESS", "FAILED", "Completed")
Row = Dict[str, Any]


@app.asset
class Center(HttpAsset):
    """One management center, with the group that blocks go to."""

    url: str = setting("Where it answers, such as https://fmc.example")
    user: str = setting("Account of its own for the API: people with the same one are thrown out")
    password: Secret = setting("Its password")
    domain: str = setting("Name of the domain; the one of the account if empty", default="")
    group: str = setting("Network group of blocked addresses; a rule has to deny it", default="REPERTORY-BLOCK")
    deploy: bool = setting("Whether a block is deployed to the firewalls at once", default=False)
    look_s: float = setting("Seconds between looks at a deployment", default=10.0, minimum=0.01, maximum=60)
    protected: List[str] = indicators.protected_setting()

    @functools.cached_property
    def _http(self) -> Http:
        return Http("Cisco FMC", self)

    def call(self, method: str, path: str, **options: Any) -> Answer:
        """Ask below the domain; where the token has run out, log in once more."""
        for attempt in range(2):
            token, domain = self._token(renew=bool(attempt))
            where = f"/api/fmc_config/v1/domain/{quote(domain, safe='')}{path}"
            accept = (*options.pop("accept", ()), *((401,) if not attempt else ()))
            answer = self._http.request(method, where, headers={"X-auth-access-token": token}, accept=accept, **options)
            options["accept"] = accept[:-1] if not attempt else accept
            if answer.status != 401:
                return answer
        raise AssertionError("the second attempt raises by itself")

    def _token(self, *, renew: bool) -> "tuple[str, str]":
        kept = self.state.get("token")
        if kept and not renew:
            return str(kept[0]), str(kept[1])
        basic = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        headers = self._http.post(LOGIN, headers={"Authorization": f"Basic {basic}"}, repeatable=True).headers
        token, domain = headers.get("X-auth-access-token"), self._domain(headers)
        if not token or not domain:
            raise ActionFailed("Cisco FMC: its login gave no token; check that the url leads to a management center")
        self.state["token"] = [token, domain]
        return token, domain

    def _domain(self, headers: Any) -> Optional[str]:
        if not self.domain:
            return headers.get("DOMAIN_UUID")  # type: ignore[no-any-return]
        known = domains_in(headers.get("DOMAINS") or "[]")
        if self.domain not in known:
            raise ActionFailed(f"Cisco FMC: the account has no domain {self.domain!r}; it has {', '.join(known) or 'none'}")
        return known[self.domain]

    def pages(self, path: str, **query: Any) -> Iterator[Row]:
        """Every row of a list, page after page."""
        seen = 0
        while True:
            body = self.call("GET", path, params={"limit": PAGE, "offset": seen, "expanded": "true", **query}).object()
            items = body.get("items") or []
            yield from items
            seen += len(items)
            if not items or seen >= int((body.get("paging") or {}).get("count") or 0):
                return

    def found_group(self) -> Optional[Row]:
        """The group as it is now; None where there is none."""
        for row in self.pages("/object/networkgroups"):
            if row.get("name") == self.group:
                return self.call("GET", f"/object/networkgroups/{quote(str(row['id']), safe='')}").object()
        return None


def domains_in(text: str) -> Dict[str, str]:
    """Identities of domains by their names, from the header that lists them."""
    try:
        return {str(row["name"]): str(row["uuid"]) for row in json.loads(text)}
    except (ValueError, TypeError, KeyError):
        return {}


@app.result
class Blocked:
    """What became of a block."""

    ip: str = output("Address or network", contains="ip")
    blocked: bool = output("Whether it is in the group now")
    changed: bool = output("Whether that is new")
    verified: bool = output("Whether it was read back")
    previously_blocked: bool = output("Whether it was in the group before")
    group: str = output("The group")
    deployed: bool = output("Whether it was deployed; until then the firewalls do not know of it")


@app.result
class Listed:
    """A blocked address."""

    ip: str = output("Address or network", contains="ip")


@app.result
class Rule:
    """One access rule."""

    rule: str = output("Identity")
    action: str = output("ALLOW, TRUST, BLOCK …")
    policy: str = output("Access policy that it is in")
    name: str = output("Name")
    enabled: bool = output("Whether it is in use")
    sources: List[str] = output("Networks from which")
    destinations: List[str] = output("Networks to which")


@app.result
class Pending:
    """A firewall that does not have the newest configuration yet."""

    device: str = output("Identity")
    name: str = output("Name", contains="host name")
    version: str = output("Version of the configuration that would be deployed")


@app.result
class Deployment:
    """A deployment."""

    deployment: str = output("Identity of the task; empty where nothing was to be deployed")
    status: str = output("Deploying, Deployed or Failed; nothing to deploy")
    ended: bool = output("Whether it has ended")
    devices: List[str] = output("Identities of the firewalls")


@app.test
def connectivity(center: Center) -> str:
    """Logs in and reads an object."""
    center.call("GET", "/object/hosts", params={"limit": 1})
    return "the account is accepted"


def _literals(group: Optional[Row]) -> List[str]:
    return [str(row["value"]) for row in (group or {}).get("literals") or () if row.get("value")]


def _literal(ip: str) -> Row:
    return {"type": "Network" if "/" in ip else "Host", "value": ip}


def _write(center: Center, group: Optional[Row], literals: List[Row]) -> None:
    """Groups are written as a whole; what others put in stays in."""
    body: Row = {"name": center.group, "type": "NetworkGroup", "literals": literals}
    if group is None:
        center.call("POST", "/object/networkgroups", json=body)
        return
    kept = {name: group[name] for name in ("objects", "description", "overridable") if name in group}
    where = f"/object/networkgroups/{quote(str(group['id']), safe='')}"
    center.call("PUT", where, json={**body, **kept, "id": group["id"]})


@app.action("block ip", type="contain", idempotent=True, undo="unblock ip", check="is blocked", timeout_s=1500)
def block_ip(center: Center, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Put an address into the group."""
    address = indicators.network(ip)
    indicators.refuse_protected(address, center.protected)
    return _change(center, address, wanted=True)


@app.action("unblock ip", type="correct", idempotent=True, undo="block ip", timeout_s=1500)
def unblock_ip(center: Center, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Take an address out of the group."""
    return _change(center, indicators.network(ip), wanted=False)


def _change(center: Center, ip: str, *, wanted: bool) -> Blocked:
    group = center.found_group()
    before = ip in _literals(group)
    if before != wanted:
        others = [row for row in (group or {}).get("literals") or () if row.get("value") != ip]
        _write(center, group, [*others, *([_literal(ip)] if wanted else [])])
    now = ip in _literals(center.found_group()) if before != wanted else before
    deployed = bool(before != wanted and center.deploy and _deploy(center, _pending(center)).status != "Failed")
    return Blocked(
        ip=ip, blocked=now, changed=before != now, verified=now == wanted, previously_blocked=before, group=center.group,
        deployed=deployed,
    )  # fmt: skip


@app.action("is blocked", type="investigate")
def is_blocked(center: Center, ip: str = param("Address or network", contains="ip")) -> Blocked:
    """Whether an address is in the group."""
    address = indicators.network(ip)
    now = address in _literals(center.found_group())
    return Blocked(
        ip=address, blocked=now, changed=False, verified=True, previously_blocked=now, group=center.group, deployed=False
    )


@app.action("list blocked ips", type="investigate")
def list_blocked_ips(center: Center) -> Output[Listed]:
    """Addresses and networks in the group."""
    found = [Listed(ip=ip) for ip in _literals(center.found_group())]
    return Output(found, summary={"addresses": len(found)})


@app.action("list rules", type="investigate", timeout_s=300)
def list_rules(center: Center, policy: str = param("Name of an access policy; all of them if empty", default="")) -> Output[Rule]:
    """Access rules, policy by policy, in the order in which they are looked at."""
    found = [
        _rule(str(row.get("name") or ""), rule)
        for row in center.pages("/policy/accesspolicies")
        if not policy or row.get("name") == policy
        for rule in center.pages(f"/policy/accesspolicies/{quote(str(row.get('id')), safe='')}/accessrules")
    ]
    return Output(found, summary={"rules": len(found)})


def _rule(policy: str, row: Row) -> Rule:
    return Rule(
        rule=str(row.get("id") or ""), action=str(row.get("action") or ""), policy=policy, name=str(row.get("name") or ""),
        enabled=row.get("enabled") is not False, sources=_networks(row.get("sourceNetworks")),
        destinations=_networks(row.get("destinationNetworks")),
    )  # fmt: skip


def _networks(value: Any) -> List[str]:
    parts = value if isinstance(value, dict) else {}
    return [str(one.get("name") or one.get("value")) for kind in ("objects", "literals") for one in parts.get(kind) or ()]


@app.action("list pending devices", type="investigate")
def list_pending_devices(center: Center) -> List[Pending]:
    """Firewalls that do not have the newest configuration yet, whoever changed it."""
    return _pending(center)


def _pending(center: Center) -> List[Pending]:
    return [
        Pending(device=str((row.get("device") or {}).get("id") or row.get("id") or ""), name=str(row.get("name") or ""),
                version=str(row.get("version") or "0"))
        for row in center.pages("/deployment/deployabledevices")
    ]  # fmt: skip


@app.action("deploy changes", type="contain", idempotent=True, timeout_s=1500)
def deploy_changes(center: Center) -> Deployment:
    """Bring all pending changes to the firewalls, those of others too, and wait for it."""
    return _deploy(center, _pending(center))


def _deploy(center: Center, pending: List[Pending]) -> Deployment:
    devices = [row.device for row in pending]
    if not devices:
        return Deployment(deployment="", status="nothing to deploy", ended=True, devices=[])
    version = max(row.version for row in pending)
    body = {"type": "DeploymentRequest", "version": version, "forceDeploy": False, "ignoreWarning": True, "deviceList": devices}
    answer = center.call("POST", "/deployment/deploymentrequests", json=body, timeout_s=max(120, center.timeout_s)).object()
    task = str(((answer.get("metadata") or {}).get("task") or {}).get("id") or "")
    if not task:
        raise ActionFailed("Cisco FMC: a deployment was requested, and it names no task; look at its deployments")
    while not (found := _task(center, task, devices)).ended:
        time.sleep(center.look_s)
    return found


def _task(center: Center, task: str, devices: List[str]) -> Deployment:
    status = str(center.call("GET", f"/job/taskstatuses/{quote(task, safe='')}").object().get("status") or "Deploying")
    return Deployment(deployment=task, status=status, ended=status in ENDED, devices=devices)


@app.action("get deployment", type="investigate")
def get_deployment(center: Center, deployment: str = param("Identity of the task")) -> Deployment:
    """How far a deployment is."""
    if not deployment.strip() or not deployment.isprintable():
        raise ActionFailed("Cisco FMC: there is no deployment of that name; give the identity that 'deploy changes' returned")
    return _task(center, deployment, [])
