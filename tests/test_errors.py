"""Words that sentences share."""

from __future__ import annotations

import pytest

from repertory.errors import counted


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 repositories"), (1, "1 repository"), (2, "2 repositories"), (2000, "2,000 repositories")]
)
def test_one_thing_is_one(number: int, said: str) -> None:
    assert counted(number, "repository", "repositories") == said
    assert counted(number, "item") == f"{number:,} item{'' if number == 1 else 's'}"
