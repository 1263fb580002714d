"""What content raises and what it may catch."""

from __future__ import annotations

from typing import Optional


class RepertoryError(Exception):
    """Base of every error of this package."""


class ActionFailed(RepertoryError):
    """An action could not do what it was asked.

    An app raises it with one sentence that names the product, what was tried and what to do about it. A playbook
    sees it only where it asked for it with ``.required()``; otherwise failures are data.

    ``retry`` says that trying again later may help (an idempotent action then is tried again); ``retry_after_s``
    is the number of seconds the product asked for.

    >>> raise ActionFailed("VirusTotal: 429, daily quota used up; wait until midnight UTC", retry=True)
    Traceback (most recent call last):
    repertory_sdk.errors.ActionFailed: VirusTotal: 429, daily quota used up; wait until midnight UTC
    """

    def __init__(self, message: str, *, retry: bool = False, retry_after_s: Optional[float] = None) -> None:
        super().__init__(message)
        self.retry = retry or retry_after_s is not None
        self.retry_after_s = retry_after_s


class PlaybookError(RepertoryError):
    """A playbook asked for something that cannot be; the run fails with this sentence."""


class DefinitionError(RepertoryError):
    """An app or playbook is declared in a way that cannot work; raised while its module is imported."""


class ConversionError(RepertoryError):
    """A value does not fit the type it is meant for.

    ``path`` names the place (``actions[2].type``), empty for the value itself.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.problem = message
