"""The one error of whatever keeps our data."""

from __future__ import annotations

from repertory.errors import UserError


class StorageTrouble(UserError):
    """Nothing can be kept now. What is kept is as it was: whoever was at work stops and can be continued later."""
