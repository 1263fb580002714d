"""What the actions of this app return."""

from __future__ import annotations

import functools
from typing import List, Literal, Optional

from repertory_sdk import output
from repertory_sdk.records import record_class

record = functools.partial(record_class, eq=True)


@record
class User:
    """An account, as the directory has it."""

    user: str = output("Account as asked", contains="user name")
    found: bool = output("Whether there is one")
    name: Optional[str] = output("By which it logs on", default=None, contains="user name")
    enabled: Optional[bool] = output("Whether it may be used", default=None)
    locked: Optional[bool] = output("Whether it is locked after wrong passwords", default=None)
    protected: Optional[bool] = output("Whether this app refuses to disable it", default=None)
    full_name: Optional[str] = output("Whose it is", default=None)
    email: Optional[str] = output("Mail address", default=None, contains="email")
    title: Optional[str] = output("What its owner does", default=None)
    department: Optional[str] = output("Where", default=None)
    manager: Optional[str] = output("DN of the owner's manager", default=None)
    groups: List[str] = output("Groups that list it", default=[])
    dn: Optional[str] = output("Where it is in the directory", default=None)
    last_logon_at: Optional[str] = output("About when it was used last, ISO 8601", default=None)
    password_set_at: Optional[str] = output("When its password was set, ISO 8601", default=None)
    expires_at: Optional[str] = output("When it expires, ISO 8601", default=None)
    created_at: Optional[str] = output("When it was made, ISO 8601", default=None)


@record
class FoundUser:
    """An account that a search found."""

    user: str = output("By which it logs on", contains="user name")
    full_name: Optional[str] = output("Whose it is", default=None)
    email: Optional[str] = output("Mail address", default=None, contains="email")
    enabled: bool = output("Whether it may be used")
    locked: bool = output("Whether it is locked after wrong passwords")
    dn: str = output("Where it is in the directory")


@record
class Member:
    """A member of a group."""

    group: str = output("Group as asked")
    name: str = output("Its name", contains="user name")
    kind: Literal["user", "group", "computer", "other"] = output("What it is")
    email: Optional[str] = output("Mail address", default=None, contains="email")
    dn: Optional[str] = output("Where it is in the directory", default=None)


@record
class UserChange:
    """An account before and after."""

    user: str = output("Account", contains="user name")
    enabled: bool = output("Whether it may be used now")
    previously_enabled: bool = output("Whether it could before")
    changed: bool = output("Whether anything had to be done")
    verified: bool = output("Whether that was read back")
    dn: str = output("Where it is in the directory")


@record
class Unlocked:
    """An account that may be tried again."""

    user: str = output("Account", contains="user name")
    locked: bool = output("Whether it is locked now")
    previously_locked: bool = output("Whether it was")
    changed: bool = output("Whether anything had to be done")
    dn: str = output("Where it is in the directory")


@record
class PasswordChange:
    """An account with another password."""

    user: str = output("Account", contains="user name")
    changed: bool = output("Whether it has another password")
    random: bool = output("Whether it is one that nobody knows")
    must_change: bool = output("Whether it has to be changed at the next logon")
    dn: str = output("Where it is in the directory")


@record
class Membership:
    """An account and a group."""

    user: str = output("Account", contains="user name")
    group: str = output("Group")
    member: bool = output("Whether the group lists it now")
    changed: bool = output("Whether anything had to be done")
    verified: bool = output("Whether that was read back")
    dn: str = output("Where the account is in the directory")
