"""Where directories differ: how accounts and groups are found, and what makes an account disabled or locked."""

from __future__ import annotations

import datetime
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Sequence, Tuple

import ldap3
from ldap3.utils.conv import escape_bytes, escape_filter_chars
from ldap_session import Entry, Session, replaced

from repertory_sdk import ActionFailed

DISABLED, LOCKED_OUT = 0x2, 0x10  # bits of userAccountControl, and of its computed sibling
FOR_GOOD = "000001010000Z"  # pwdAccountLockedTime of an account that only an administrator unlocks
_NEVER = 2_600_000_000_000_000_000  # and all that is later than Python's calendar
_COMMON = ("cn", "displayName", "mail", "title", "manager", "memberOf", "objectClass")


class ActiveDirectory:
    """Accounts of Active Directory."""

    name, account, members = "Active Directory", "sAMAccountName", ("member",)
    attributes: Sequence[str] = (
        *_COMMON, "sAMAccountName", "userPrincipalName", "userAccountControl", "msDS-User-Account-Control-Computed", "lockoutTime",
        "pwdLastSet", "lastLogonTimestamp", "accountExpires", "whenCreated", "objectSid", "primaryGroupID", "department",
    )  # fmt: skip
    users = "(objectCategory=person)(objectClass=user)"
    groups = "(objectCategory=group)"
    states: ClassVar[Dict[str, str]] = {
        "any": "", "disabled": "(userAccountControl:1.2.840.113556.1.4.803:=2)", "locked": "(lockoutTime>=1)",
        "enabled": "(!(userAccountControl:1.2.840.113556.1.4.803:=2))",
    }  # fmt: skip

    def base(self, root: Entry) -> Optional[str]:
        """Where entries are, as the server says."""
        return root.text("defaultNamingContext")

    def enabled(self, user: Entry) -> bool:
        """Whether the account may be used."""
        return not user.number("userAccountControl") & DISABLED

    def locked(self, user: Entry) -> bool:
        """Whether it is locked after wrong passwords, for a while."""
        computed = user.text("msDS-User-Account-Control-Computed")
        if computed is not None:
            return bool(user.number("msDS-User-Account-Control-Computed") & LOCKED_OUT)
        return user.number("lockoutTime") > 0

    def switch(self, session: Session, user: Entry, *, on: bool, memory: Dict[str, Any]) -> None:
        """Let the account be used, or not; the other bits stay."""
        bits = user.number("userAccountControl")
        if not bits:
            raise ActionFailed(
                f"{session.where}: the state of {user.dn} cannot be read; give the account of the asset the right to read it"
            )
        wanted = bits & ~DISABLED if on else bits | DISABLED
        session.modify("does not change the account", user.dn, replaced(userAccountControl=str(wanted)))

    def unlock(self, session: Session, user: Entry) -> None:
        """Forget wrong passwords."""
        session.modify("does not unlock the account", user.dn, replaced(lockoutTime="0"))

    def set_password(self, session: Session, user: Entry, password: str, *, must_change: bool) -> bool:
        """Set it; whether it has to be changed at the next logon."""
        quoted = f'"{password}"'.encode("utf-16-le")
        more = {"pwdLastSet": "0"} if must_change else {}
        session.modify("does not set the password", user.dn, replaced(unicodePwd=quoted, **more))
        return must_change

    def primary_group(self, user: Entry) -> Optional[str]:
        """What finds the group that is in no list of members."""
        sid, number = user.raw("objectSid"), user.number("primaryGroupID")
        if len(sid) < 12 or not 0 < number < 2**32:
            return None
        return f"(objectSid={escape_bytes(sid[:-4] + number.to_bytes(4, 'little'))})"

    def times(self, user: Entry) -> Dict[str, Optional[str]]:
        """When things happened, ISO 8601."""
        return {
            "last_logon_at": _of_windows(user.number("lastLogonTimestamp")),
            "password_set_at": _of_windows(user.number("pwdLastSet")),
            "expires_at": _of_windows(user.number("accountExpires")),
            "created_at": _generalized(user.text("whenCreated")),
        }


class OpenLdap:
    """Accounts of OpenLDAP and its kin. ``way``: what disables one."""

    name, account, members = "OpenLDAP", "uid", ("member", "uniqueMember", "memberUid")
    attributes: Sequence[str] = (
        *_COMMON, "uid", "pwdAccountLockedTime", "pwdChangedTime", "shadowExpire", "nsAccountLock", "authTimestamp",
        "createTimestamp", "departmentNumber",
    )  # fmt: skip
    users = "(uid=*)"
    groups = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup))"
    states: ClassVar[Dict[str, str]] = dict.fromkeys(("any", "disabled", "locked", "enabled"), "")

    def __init__(self, way: str) -> None:
        self._way = way

    def base(self, root: Entry) -> Optional[str]:
        """Where entries are, as the server says."""
        return root.text("namingContexts")

    def enabled(self, user: Entry) -> bool:
        """Whether the account may be used."""
        if self._way == "ppolicy":
            return user.text("pwdAccountLockedTime") != FOR_GOOD
        if self._way == "nsaccountlock":
            return (user.text("nsAccountLock") or "").lower() != "true"
        today = (datetime.datetime.now(datetime.timezone.utc) - _EPOCH).days
        return not (user.text("shadowExpire") and 0 <= user.number("shadowExpire") <= today)

    def locked(self, user: Entry) -> bool:
        """Whether it is locked after wrong passwords."""
        return user.text("pwdAccountLockedTime") not in (None, FOR_GOOD)

    def switch(self, session: Session, user: Entry, *, on: bool, memory: Dict[str, Any]) -> None:
        """Let the account be used, or not; a date on which it expires comes back."""
        if self._way == "shadow":
            before = memory.pop(user.dn, None) if on else user.text("shadowExpire")
            if not on and before:
                memory[user.dn] = before
            changes = replaced(shadowExpire=before if on else "1")
        elif self._way == "nsaccountlock":
            changes = replaced(nsAccountLock=None if on else "TRUE")
        else:
            changes = replaced(pwdAccountLockedTime=None if on else FOR_GOOD)
        session.modify("does not change the account", user.dn, changes)

    def unlock(self, session: Session, user: Entry) -> None:
        """Forget wrong passwords."""
        session.modify("does not unlock the account", user.dn, replaced(pwdAccountLockedTime=None))

    def set_password(self, session: Session, user: Entry, password: str, *, must_change: bool) -> bool:
        """Set it; whether it has to be changed at the next logon, which only ppolicy can ask for."""
        session.set_password(user.dn, password)
        must_change = must_change and self._way == "ppolicy"
        if must_change:
            session.modify("does not ask for another password", user.dn, replaced(pwdReset="TRUE"))
        return must_change

    def primary_group(self, user: Entry) -> Optional[str]:
        """There is none that is in no list."""
        return None

    def times(self, user: Entry) -> Dict[str, Optional[str]]:
        """When things happened, ISO 8601."""
        expires = user.number("shadowExpire")
        return {
            "last_logon_at": _generalized(user.text("authTimestamp")),
            "password_set_at": _generalized(user.text("pwdChangedTime")),
            "expires_at": _iso(_EPOCH + datetime.timedelta(days=expires)) if 0 < expires < 2_000_000 else None,
            "created_at": _generalized(user.text("createTimestamp")),
        }


Directory = Any  # one of the two
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_WINDOWS = datetime.datetime(1601, 1, 1, tzinfo=datetime.timezone.utc)


def _iso(when: datetime.datetime) -> str:
    return when.replace(microsecond=0).isoformat().replace("+00:00", "Z")


def _of_windows(ticks: int) -> Optional[str]:
    """Tenths of microseconds since 1601; 0 and the largest mean never."""
    return _iso(_WINDOWS + datetime.timedelta(microseconds=ticks // 10)) if 0 < ticks < _NEVER else None


def _generalized(text: Optional[str]) -> Optional[str]:
    try:
        return _iso(datetime.datetime.strptime((text or "")[:14], "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc))
    except ValueError:
        return None


# ---------------------------------------------------------------- finding


def find_user(session: Session, directory: Directory, base: str, user: str) -> Optional[Entry]:
    """An account by its name, its address or its DN; ActionFailed where it may be several."""
    name = user.strip()
    if "=" not in name:
        name = name.rpartition("\\")[2]
    if not name:
        raise ActionFailed(f"{session.where}: no user is named; give the name of an account")
    return _one(session, base, directory.users, _named(directory, name), directory.attributes, user)


def find_group(session: Session, directory: Directory, base: str, group: str) -> Entry:
    """A group by its name or its DN; ActionFailed where there is none, or may be several."""
    name = group.strip()
    if not name:
        raise ActionFailed(f"{session.where}: no group is named; give the name of a group")
    names = {directory.account, "cn"} if directory.account != "uid" else {"cn"}
    wanted = "".join(f"({attribute}={escape_filter_chars(name)})" for attribute in sorted(names))
    attributes = ["cn", "objectClass", "objectSid", "sAMAccountName", *directory.members]
    found = _one(session, base, directory.groups, f"(|{wanted})", attributes, name)
    if found is None:
        raise ActionFailed(f"{session.where} has no group {_shown(name)}; check its name")
    return found


def _named(directory: Directory, name: str) -> str:
    value = escape_filter_chars(name)
    if "@" not in name:
        return f"({directory.account}={value})"
    first = "userPrincipalName" if directory.account == "sAMAccountName" else "uid"
    return f"(|({first}={value})(mail={value}))"


def _one(
    session: Session, base: str, kind: str, wanted: str, attributes: Sequence[str], name: str
) -> Optional[Entry]:
    if "=" in name and "," in name:
        return _of_kind(session, kind, name, attributes)
    found: List[Entry] = []
    for entry in session.search(base, f"(&{kind}{wanted})", attributes):
        found.append(entry)
        if len(found) > 1:
            raise ActionFailed(f"{session.where} has several entries that {_shown(name)} fits; give the DN of one")
    return found[0] if found else None


def _of_kind(session: Session, kind: str, dn: str, attributes: Sequence[str]) -> Optional[Entry]:
    known = session.entry(dn, ["objectClass"])
    if known is None:
        return None
    found = session.search(known.dn, f"(&{kind})", attributes)
    return next((entry for entry in found if entry.dn.lower() == known.dn.lower()), None)


def user_of(session: Session, directory: Directory, base: str, user: str) -> Entry:
    """An account that has to be there."""
    found = find_user(session, directory, base, user)
    if found is None:
        raise ActionFailed(f"{session.where} has no user {_shown(user)}; check the name, and base of the asset")
    return found


def groups_of(session: Session, directory: Directory, base: str, user: Entry, *, nested: bool = False) -> List[Entry]:
    """Groups that an account is in, with ``nested`` those that they are in as well."""
    known: Dict[str, Entry] = {}
    name = user.text(directory.account) or ""
    own = [member_filter(directory, user.dn, name)]
    primary = directory.primary_group(user)
    queries = [f"(|{own[0]}{primary})" if primary else own[0]]
    while queries:
        found = [entry for query in queries for entry in session.search(base, f"(&{directory.groups}{query})", ["cn"])]
        fresh = [entry for entry in found if entry.dn.lower() not in known]
        known.update({entry.dn.lower(): entry for entry in fresh})
        parts = [member_filter(directory, entry.dn, "") for entry in fresh] if nested else []
        queries = [f"(|{''.join(parts[start : start + 30])})" for start in range(0, len(parts), 30)]
    return list(known.values())


def member_filter(directory: Directory, dn: str, name: str) -> str:
    """What finds the groups that list an entry."""
    value = escape_filter_chars(dn)
    listed = "".join(f"({attribute}={value})" for attribute in directory.members if attribute != "memberUid")
    if "memberUid" in directory.members and name:
        listed += f"(memberUid={escape_filter_chars(name)})"
    return f"(|{listed})"


def membership(directory: Directory, group: Entry, user: Entry) -> Tuple[str, str]:
    """The attribute of this group that lists members, and the value that stands for this one."""
    classes = {name.lower() for name in group.texts("objectClass")}
    if directory.account == "uid" and "posixgroup" in classes and not classes & {"groupofnames", "groupofmembers"}:
        return "memberUid", user.text("uid") or ""
    return ("uniqueMember" if "groupofuniquenames" in classes else "member"), user.dn


def is_member(session: Session, group: Entry, attribute: str, value: str) -> bool:
    """Whether the group lists it, now."""
    found = session.search(group.dn, f"({attribute}={escape_filter_chars(value)})", ["cn"])
    return any(entry.dn.lower() == group.dn.lower() for entry in found)


def change_member(session: Session, group: Entry, attribute: str, value: str, *, add: bool) -> bool:
    """Have a group list a member or not; whether that changed anything. ActionFailed unless it is so afterwards."""
    if is_member(session, group, attribute, value) == add:
        return False
    operation = ldap3.MODIFY_ADD if add else ldap3.MODIFY_DELETE
    what = "does not change the group"
    # These say that it was so already: others may have been quicker.
    code = session.modify(what, group.dn, {attribute: [(operation, [value])]}, accept=(16, 20, 68))
    if is_member(session, group, attribute, value) != add:
        raise ActionFailed(f"{session.where} {what} {group.dn}: it was told to, and nothing is different; look there")
    return code == 0


def members_of(session: Session, directory: Directory, base: str, group: Entry) -> Iterator[Entry]:
    """What a group lists; of members that cannot be read, the name alone."""
    if directory.account != "uid":  # a group shows at most 1500 of its members; the members know their groups
        number = int.from_bytes(group.raw("objectSid")[-4:], "little")
        primary = f"(primaryGroupID={number})" if number else ""
        yield from session.search(base, f"(|(memberOf={escape_filter_chars(group.dn)}){primary})", directory.attributes)
        return
    for dn in group.texts("member") + group.texts("uniqueMember"):
        yield session.entry(dn, directory.attributes) or Entry(dn, {})
    for name in group.texts("memberUid"):
        found = session.search(base, f"(uid={escape_filter_chars(name)})", directory.attributes)
        yield next(found, None) or Entry("", {"uid": [name.encode()]})


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
