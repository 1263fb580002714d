"""The dictionary of ArcSight's Common Event Format (implementation guide, rev. 26): short keys and their full names."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Keys that the guide writes in full already are absent, and so are custom fields (cs1, cs1Label, cn1 …): what
# those mean is in their labels, beside them.
FULL_NAMES: Mapping[str, str] = {
    "act": "deviceAction",
    "agt": "agentAddress",
    "ahost": "agentHostName",
    "aid": "agentId",
    "amac": "agentMacAddress",
    "app": "applicationProtocol",
    "art": "agentReceiptTime",
    "at": "agentType",
    "atz": "agentTimeZone",
    "av": "agentVersion",
    "cat": "deviceEventCategory",
    "cnt": "baseEventCount",
    "dhost": "destinationHostName",
    "dlat": "destinationGeoLatitude",
    "dlong": "destinationGeoLongitude",
    "dmac": "destinationMacAddress",
    "dntdom": "destinationNtDomain",
    "dpid": "destinationProcessId",
    "dpriv": "destinationUserPrivileges",
    "dproc": "destinationProcessName",
    "dpt": "destinationPort",
    "dst": "destinationAddress",
    "dtz": "deviceTimeZone",
    "duid": "destinationUserId",
    "duser": "destinationUserName",
    "dvc": "deviceAddress",
    "dvchost": "deviceHostName",
    "dvcmac": "deviceMacAddress",
    "dvcpid": "deviceProcessId",
    "end": "endTime",
    "fname": "fileName",
    "fsize": "fileSize",
    "in": "bytesIn",
    "mrt": "managerReceiptTime",
    "msg": "message",
    "out": "bytesOut",
    "outcome": "eventOutcome",
    "proto": "transportProtocol",
    "request": "requestURL",
    "requestUrl": "requestURL",
    "rt": "deviceReceiptTime",
    "shost": "sourceHostName",
    "slat": "sourceGeoLatitude",
    "slong": "sourceGeoLongitude",
    "smac": "sourceMacAddress",
    "sntdom": "sourceNtDomain",
    "spid": "sourceProcessId",
    "spriv": "sourceUserPrivileges",
    "sproc": "sourceProcessName",
    "spt": "sourcePort",
    "src": "sourceAddress",
    "start": "startTime",
    "suid": "sourceUserId",
    "suser": "sourceUserName",
}

WHOLE_NUMBERS = frozenset(
    {
        "baseEventCount",
        "bytesIn",
        "bytesOut",
        "destinationPort",
        "destinationProcessId",
        "destinationTranslatedPort",
        "deviceDirection",
        "deviceProcessId",
        "fileSize",
        "oldFileSize",
        "sourcePort",
        "sourceProcessId",
        "sourceTranslatedPort",
        "type",
    }
)
