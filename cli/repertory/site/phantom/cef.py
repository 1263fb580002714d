"""Fields of ArcSight's Common Event Format (public field list, revision 26): their short names, and what they contain."""

from __future__ import annotations

from typing import Dict, List

_TYPES = {
    "ip": "agentAddress agentTranslatedAddress destinationAddress destinationTranslatedAddress deviceAddress "
    "deviceTranslatedAddress sourceAddress sourceTranslatedAddress deviceCustomIPv6Address1 deviceCustomIPv6Address2 "
    "deviceCustomIPv6Address3 deviceCustomIPv6Address4",
    "port": "destinationPort destinationTranslatedPort sourcePort sourceTranslatedPort",
    "mac address": "agentMacAddress destinationMacAddress deviceMacAddress sourceMacAddress",
    "host name": "agentHostName destinationHostName deviceHostName sourceHostName",
    "user name": "destinationUserName sourceUserName",
    "domain": "agentDnsDomain destinationDnsDomain deviceDnsDomain sourceDnsDomain agentNtDomain destinationNtDomain "
    "deviceNtDomain sourceNtDomain",
    "url": "requestURL requestUrl",
    "hash": "fileHash oldFileHash fileHashMd5 fileHashSha1 fileHashSha256 fileHashSha512",
    "md5": "fileHashMd5",
    "sha1": "fileHashSha1",
    "sha256": "fileHashSha256",
    "sha512": "fileHashSha512",
    "file name": "fileName oldFileName",
    "file path": "filePath oldFilePath",
    "file size": "fileSize oldFileSize",
    "process name": "destinationProcessName deviceProcessName sourceProcessName",
    "pid": "destinationProcessId deviceProcessId sourceProcessId",
    "email": "fromEmail toEmail",
}

_SHORT = {
    "act": "deviceAction", "ahost": "agentHostName", "aid": "agentId", "amac": "agentMacAddress", "app": "applicationProtocol",
    "art": "agentReceiptTime", "at": "agentType", "atz": "agentTimeZone", "av": "agentVersion", "agt": "agentAddress",
    "c6a1": "deviceCustomIPv6Address1", "c6a1Label": "deviceCustomIPv6Address1Label", "c6a2": "deviceCustomIPv6Address2",
    "c6a2Label": "deviceCustomIPv6Address2Label", "c6a3": "deviceCustomIPv6Address3",
    "c6a3Label": "deviceCustomIPv6Address3Label", "c6a4": "deviceCustomIPv6Address4",
    "c6a4Label": "deviceCustomIPv6Address4Label", "cat": "deviceEventCategory", "cnt": "baseEventCount",
    "cfp1": "deviceCustomFloatingPoint1", "cfp1Label": "deviceCustomFloatingPoint1Label",
    "cfp2": "deviceCustomFloatingPoint2", "cfp2Label": "deviceCustomFloatingPoint2Label",
    "cfp3": "deviceCustomFloatingPoint3", "cfp3Label": "deviceCustomFloatingPoint3Label",
    "cfp4": "deviceCustomFloatingPoint4", "cfp4Label": "deviceCustomFloatingPoint4Label", "cn1": "deviceCustomNumber1",
    "cn1Label": "deviceCustomNumber1Label", "cn2": "deviceCustomNumber2", "cn2Label": "deviceCustomNumber2Label",
    "cn3": "deviceCustomNumber3", "cn3Label": "deviceCustomNumber3Label", "cs1": "deviceCustomString1",
    "cs1Label": "deviceCustomString1Label", "cs2": "deviceCustomString2", "cs2Label": "deviceCustomString2Label",
    "cs3": "deviceCustomString3", "cs3Label": "deviceCustomString3Label", "cs4": "deviceCustomString4",
    "cs4Label": "deviceCustomString4Label", "cs5": "deviceCustomString5", "cs5Label": "deviceCustomString5Label",
    "cs6": "deviceCustomString6", "cs6Label": "deviceCustomString6Label", "dhost": "destinationHostName",
    "dlat": "destinationGeoLatitude", "dlong": "destinationGeoLongitude", "dmac": "destinationMacAddress",
    "dntdom": "destinationNtDomain", "dpid": "destinationProcessId", "dpriv": "destinationUserPrivileges",
    "dproc": "destinationProcessName", "dpt": "destinationPort", "dst": "destinationAddress", "dtz": "deviceTimeZone",
    "duid": "destinationUserId", "duser": "destinationUserName", "dvc": "deviceAddress", "dvchost": "deviceHostName",
    "dvcmac": "deviceMacAddress", "dvcpid": "deviceProcessId", "end": "endTime", "fname": "fileName", "fsize": "fileSize",
    "in": "bytesIn", "msg": "message", "out": "bytesOut", "outcome": "eventOutcome", "proto": "transportProtocol",
    "request": "requestURL", "rt": "deviceReceiptTime", "shost": "sourceHostName", "slat": "sourceGeoLatitude",
    "slong": "sourceGeoLongitude", "smac": "sourceMacAddress", "sntdom": "sourceNtDomain", "spid": "sourceProcessId",
    "spriv": "sourceUserPrivileges", "sproc": "sourceProcessName", "spt": "sourcePort", "src": "sourceAddress",
    "start": "startTime", "suid": "sourceUserId", "suser": "sourceUserName",
}  # fmt: skip

_MORE = (
    "agentNtDomain agentTranslatedZoneExternalID agentTranslatedZoneURI agentZoneExternalID agentZoneURI customerExternalID "
    "customerURI destinationServiceName destinationTranslatedZoneExternalID destinationTranslatedZoneURI "
    "destinationZoneExternalID destinationZoneURI deviceCustomDate1 deviceCustomDate1Label deviceCustomDate2 "
    "deviceCustomDate2Label deviceDirection deviceDnsDomain deviceExternalId deviceFacility deviceInboundInterface "
    "deviceNtDomain deviceOutboundInterface deviceProcessName deviceTranslatedAddress deviceTranslatedZoneExternalID "
    "deviceTranslatedZoneURI deviceZoneExternalID deviceZoneURI eventId externalId fileCreateTime fileHash fileId "
    "fileModificationTime filePath filePermission fileType flexDate1 flexDate1Label flexNumber1 flexNumber1Label flexNumber2 "
    "flexNumber2Label flexString1 flexString1Label flexString2 flexString2Label oldFileCreateTime oldFileHash oldFileId "
    "oldFileModificationTime oldFileName oldFilePath oldFilePermission oldFileSize oldFileType rawEvent reason "
    "requestClientApplication requestContext requestCookies requestMethod requestURL sourceDnsDomain sourceServiceName "
    "sourceTranslatedAddress sourceTranslatedPort sourceTranslatedZoneExternalID sourceTranslatedZoneURI "
    "sourceZoneExternalID sourceZoneURI type"
)


def _contained() -> Dict[str, Dict[str, List[str]]]:
    found: Dict[str, Dict[str, List[str]]] = {name: {"contains": []} for name in [*_SHORT.values(), *_MORE.split()]}
    for kind, names in _TYPES.items():
        for name in names.split():
            found.setdefault(name, {"contains": []})["contains"].append(kind)
    return found


CEF_JSON = _contained()
CEF_NAME_MAPPING: Dict[str, str] = {**_SHORT, **{name: short for short, name in _SHORT.items()}}
