"""Accounts and groups of Active Directory, OpenLDAP and their kin: found, disabled, unlocked, given other passwords and groups."""

from __future__ import annotations

import contextlib
import secrets
import string
from dataclasses import dataclass
from typing import Dict, Iterator, List, Literal, Optional

import directories
from directories import ActiveDirectory, Directory, OpenLdap
from ldap3.utils.conv import escape_filter_chars
from ldap_results import FoundUser, Member, Membership, PasswordChange, Unlocked, User, UserChange
from ldap_session import PRODUCT, Entry, Place, Session, session

from repertory_sdk import ActionFailed, App, Asset, Output, Secret, param, setting

app = App(
    "ldap",
    version="1.0.0",
    product=PRODUCT,
    vendor="Generic",
    summary=__doc__,
    requires=["ldap3>=2.9"],
    hosts=["${asset.hosts}:${asset.port}"],
    files=["${asset.ca_file}"],
)

USER = "Account: its name, DOMAIN\\name, name@domain, mail address or DN"
GROUP = "Group: its name or DN"
RANDOM_LETTERS = 24


@app.asset
class Accounts(Asset):
    """A directory, and the account that works in it."""

    hosts: List[str] = setting("Servers; the first one that takes a connection is asked")
    port: int = setting("Port: 636 (TLS), 389 (STARTTLS), 3269 and 3268 (global catalog)", default=636, minimum=1, maximum=65535)
    security: Literal["tls", "starttls", "none"] = setting("How it is encrypted; none is for this machine only", default="tls")
    verify_tls: bool = setting("Whether the server's certificate has to be a trusted one", default=True)
    ca_file: Optional[str] = setting("Absolute path of the CA certificates to trust, as PEM", default=None)
    user: str = setting("Account: its DN; with Active Directory also user@domain or DOMAIN\\user")
    password: Secret = setting("Its password")
    directory: Literal["active_directory", "openldap"] = setting("What the directory is", default="active_directory")
    base: Optional[str] = setting(
        "DN below which accounts and groups are looked for; what the server names if not set", default=None
    )
    disable_by: Literal["ppolicy", "shadow", "nsaccountlock"] = setting(
        "What disables an account, if it is no Active Directory: pwdAccountLockedTime, shadowExpire or nsAccountLock",
        default="ppolicy",
    )
    protected_users: List[str] = setting(
        "Accounts that are never disabled, given another password or taken out of a group, besides that of the asset",
        default=["krbtgt", "Administrator", "admin", "root"],
    )
    protected_groups: List[str] = setting(
        "Groups whose members are never disabled or given another password, and that nobody is added to",
        default=["Domain Admins", "Enterprise Admins", "Schema Admins", "Administrators", "Domain Controllers"],
    )
    timeout_s: float = setting("Seconds to wait for an answer", default=30.0, minimum=0.1, maximum=600)

    @property
    def kind(self) -> Directory:
        """What is particular of the directory."""
        return ActiveDirectory() if self.directory == "active_directory" else OpenLdap(self.disable_by)

    @contextlib.contextmanager
    def opened(self) -> Iterator[Opened]:
        """A session, for one action: what is read back is read from the server that was told."""
        place = Place(
            self.hosts, self.port, self.security, self.verify_tls, self.ca_file, self.user, str(self.password), self.timeout_s
        )
        kind = self.kind
        with session(place) as conversation:
            base = self.base or kind.base(conversation.root())
            if not base:
                raise ActionFailed(f"{conversation.where} does not say where its entries are; set base")
            yield Opened(conversation, kind, base)


@dataclass(frozen=True)
class Opened:
    """A directory that is ready to be asked."""

    session: Session
    kind: Directory
    base: str

    def user(self, name: str) -> Entry:
        """An account that has to be there."""
        return directories.user_of(self.session, self.kind, self.base, name)

    def again(self, user: Entry) -> Entry:
        """What has become of it."""
        found = self.session.entry(user.dn, self.kind.attributes)
        if found is None:
            raise ActionFailed(f"{self.session.where}: {user.dn} is gone; look there")
        return found

    def name(self, user: Entry) -> str:
        """By which it logs on."""
        return user.text(self.kind.account) or user.dn


@app.test
def connectivity(accounts: Accounts) -> str:
    """Binds, and looks whether the base is there."""
    with accounts.opened() as opened:
        if opened.session.entry(opened.base, ["objectClass"]) is None:
            raise ActionFailed(f"{opened.session.where} has no {opened.base}, or does not show it; correct base")
        return f"{opened.session.host} lets the account in, and has {opened.base}"


# ---------------------------------------------------------------- looking


@app.action("get user", type="investigate")
def get_user(accounts: Accounts, user: str = param(USER, contains="user name")) -> User:
    """What a directory knows of an account, and which groups list it."""
    with accounts.opened() as opened:
        found = directories.find_user(opened.session, opened.kind, opened.base, user)
        if found is None:
            return User(user=user, found=False)
        kind, groups = opened.kind, directories.groups_of(opened.session, opened.kind, opened.base, found)
        return User(
            user=user, found=True, name=opened.name(found), enabled=kind.enabled(found), locked=kind.locked(found),
            protected=bool(_protection(accounts, opened, found)), full_name=_full_name(found), email=found.text("mail"),
            title=found.text("title"), department=found.text("department") or found.text("departmentNumber"),
            manager=found.text("manager"), groups=sorted(group.text("cn") or group.dn for group in groups), dn=found.dn,
            **kind.times(found),
        )  # fmt: skip


@app.action("find users", type="investigate")
def find_users(
    accounts: Accounts,
    query: str = param("Part of a name or of a mail address; all accounts if empty", default=""),
    state: Literal["any", "enabled", "disabled", "locked"] = param("Only accounts that are so", default="any"),
    limit: int = param("Most accounts", default=100, minimum=1, maximum=10_000),
) -> Output[FoundUser]:
    """Accounts by a part of their names, or by their state."""
    with accounts.opened() as opened:
        kind, part = opened.kind, escape_filter_chars(query.strip())
        names = "".join(f"({name}=*{part}*)" for name in (kind.account, "cn", "displayName", "mail"))
        wanted = f"(&{kind.users}{f'(|{names})' if part else ''}{kind.states[state]})"
        found: List[FoundUser] = []
        for entry in opened.session.search(opened.base, wanted, kind.attributes):
            row = FoundUser(
                user=opened.name(entry), full_name=_full_name(entry), email=entry.text("mail"), enabled=kind.enabled(entry),
                locked=kind.locked(entry), dn=entry.dn,
            )  # fmt: skip
            if state in ("any", "locked" if row.locked else "", "enabled" if row.enabled else "disabled"):
                found.append(row)
            if len(found) > limit:
                break
    return Output(found[:limit], summary={"users": len(found[:limit]), "more": len(found) > limit})


@app.action("list group members", type="investigate")
def list_group_members(
    accounts: Accounts, group: str = param(GROUP), limit: int = param("Most members", default=1000, minimum=1, maximum=100_000)
) -> Output[Member]:
    """Whom a group lists. Members of groups in it are not among them; those whose primary group it is are."""
    with accounts.opened() as opened:
        found = directories.find_group(opened.session, opened.kind, opened.base, group)
        members = directories.members_of(opened.session, opened.kind, opened.base, found)
        rows = [
            Member(
                group=group, name=entry.text(opened.kind.account) or entry.text("cn") or entry.dn, kind=_kind(entry),
                email=entry.text("mail"), dn=entry.dn or None,
            )
            for entry, _ in zip(members, range(limit + 1))
        ]  # fmt: skip
    return Output(rows[:limit], summary={"members": len(rows[:limit]), "more": len(rows) > limit})


def _kind(entry: Entry) -> Literal["user", "group", "computer", "other"]:
    classes = {name.lower() for name in entry.texts("objectClass")}
    if "computer" in classes:
        return "computer"
    if classes & {"group", "groupofnames", "groupofuniquenames", "posixgroup"}:
        return "group"
    return "user" if classes & {"user", "person", "account", "posixaccount", "inetorgperson"} else "other"


def _full_name(entry: Entry) -> Optional[str]:
    return entry.text("displayName") or entry.text("cn")


# ---------------------------------------------------------------- changing


@app.action("disable user", type="contain", idempotent=True, undo="enable user")
def disable_user(accounts: Accounts, user: str = param(USER, contains="user name")) -> UserChange:
    """Keep an account from being used. Sessions and tickets that it has go on until they expire."""
    return _switched(accounts, user, on=False)


@app.action("enable user", type="correct", idempotent=True, undo="disable user")
def enable_user(accounts: Accounts, user: str = param(USER, contains="user name")) -> UserChange:
    """Let an account be used again."""
    return _switched(accounts, user, on=True)


def _switched(accounts: Accounts, user: str, *, on: bool) -> UserChange:
    with accounts.opened() as opened:
        found, kind = opened.user(user), opened.kind
        if not on:
            _refuse(opened, found, _protection(accounts, opened, found))
        before = kind.enabled(found)
        if before != on:
            memory: Dict[str, str] = accounts.state.setdefault("expired before", {})
            kind.switch(opened.session, found, on=on, memory=memory)
            if kind.enabled(opened.again(found)) != on:
                raise ActionFailed(f"{opened.session.where}: {found.dn} is not {'en' if on else 'dis'}abled after all; look there")
        return UserChange(
            user=opened.name(found), enabled=on, previously_enabled=before, changed=before != on, verified=True, dn=found.dn
        )


@app.action("unlock user", type="correct", idempotent=True)
def unlock_user(accounts: Accounts, user: str = param(USER, contains="user name")) -> Unlocked:
    """Let an account be tried again that is locked after wrong passwords. One that is disabled stays so."""
    with accounts.opened() as opened:
        found, kind = opened.user(user), opened.kind
        before = after = kind.locked(found)
        if before:
            kind.unlock(opened.session, found)
            after = kind.locked(opened.again(found))
        if after:
            raise ActionFailed(f"{opened.session.where}: {found.dn} is locked after all; look there")
        return Unlocked(user=opened.name(found), locked=after, previously_locked=before, changed=before, dn=found.dn)


@app.action("reset password", type="contain")
def reset_password(
    accounts: Accounts,
    user: str = param(USER, contains="user name"),
    password: str = param(
        "The password; it is kept with the run, so have it changed. If empty, one that nobody knows: nobody logs on by it",
        default="",
    ),
    must_change: bool = param("Whether it has to be changed at the next logon", default=True),
) -> PasswordChange:
    """Give an account another password."""
    with accounts.opened() as opened:
        found = opened.user(user)
        _refuse(opened, found, _protection(accounts, opened, found))
        must = opened.kind.set_password(opened.session, found, password or _random_password(), must_change=must_change)
        return PasswordChange(user=opened.name(found), changed=True, random=not password, must_change=must, dn=found.dn)


def _random_password() -> str:
    """Of all four kinds of letters that policies ask for."""
    kinds = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-_.+%")
    letters = [secrets.choice(kind) for kind in kinds]
    letters += [secrets.choice("".join(kinds)) for _ in range(RANDOM_LETTERS - len(kinds))]
    secrets.SystemRandom().shuffle(letters)
    return "".join(letters)


@app.action("add to group", type="correct", idempotent=True, undo="remove from group")
def add_to_group(accounts: Accounts, user: str = param(USER, contains="user name"), group: str = param(GROUP)) -> Membership:
    """Make an account a member of a group."""
    return _moved(accounts, user, group, add=True)


@app.action("remove from group", type="contain", idempotent=True, undo="add to group")
def remove_from_group(accounts: Accounts, user: str = param(USER, contains="user name"), group: str = param(GROUP)) -> Membership:
    """Take an account out of a group; also out of a protected one, if the account itself is not protected by name."""
    return _moved(accounts, user, group, add=False)


def _moved(accounts: Accounts, user: str, group: str, *, add: bool) -> Membership:
    with accounts.opened() as opened:
        found = opened.user(user)
        into = directories.find_group(opened.session, opened.kind, opened.base, group)
        entry, reason = (into, _protected_group(accounts, into)) if add else (found, _protected_name(accounts, opened, found))
        _refuse(opened, entry, reason)
        attribute, value = directories.membership(opened.kind, into, found)
        changed = directories.change_member(opened.session, into, attribute, value, add=add)
        return Membership(user=opened.name(found), group=group, member=add, changed=changed, verified=True, dn=found.dn)


# ---------------------------------------------------------------- what is protected


def _refuse(opened: Opened, entry: Entry, reason: str) -> None:
    if reason:
        raise ActionFailed(f"{opened.session.where}: {entry.dn} is protected and stays as it is; {reason}")


def _protection(accounts: Accounts, opened: Opened, user: Entry) -> str:
    """Why an account is protected, with what to do about it; empty if it is not."""
    own = _protected_name(accounts, opened, user)
    if own or not accounts.protected_groups:
        return own
    groups = directories.groups_of(opened.session, opened.kind, opened.base, user, nested=True)
    return next((reason for group in groups if (reason := _protected_group(accounts, group))), "")


def _protected_name(accounts: Accounts, opened: Opened, user: Entry) -> str:
    names = {user.dn, user.text("userPrincipalName") or "", opened.name(user)}
    known = {name.lower() for name in names if name}
    if accounts.user.rpartition("\\")[2].lower() in known or accounts.user.partition("@")[0].lower() in known:
        return "it is the account of the asset"
    entry = next((entry for entry in accounts.protected_users if entry.lower() in known), None)
    return f"take {entry} off the setting protected_users, if you mean it" if entry else ""


def _protected_group(accounts: Accounts, group: Entry) -> str:
    known = {group.dn.lower(), *(name.lower() for name in group.texts("cn") + group.texts("sAMAccountName"))}
    entry = next((entry for entry in accounts.protected_groups if entry.lower() in known), None)
    return f"take {entry} off the setting protected_groups, if you mean it" if entry else ""
