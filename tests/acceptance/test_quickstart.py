"""Every command of the quickstart and of the pages that go on from it, with the output they show; and the README's excerpt."""

from __future__ import annotations

import pytest

from doc_blocks import ROOT, blocks_of, differences, normalised, reader

pytestmark = pytest.mark.acceptance

PAGES = (
    "quickstart.md",
    "howto/follow-repositories.md",
    "howto/ingest-events.md",
    "howto/handle-interruptions-and-doubts.md",
    "howto/run-a-worker.md",
    "reference/run-record.md",
)


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A folder in which somebody has followed the pages one after the other, and what came out differently on each."""
    folder = tmp_path_factory.mktemp("reader").resolve()
    with reader(folder) as shell:
        return folder, {page: differences(ROOT / "docs" / page, shell) for page in PAGES}


@pytest.mark.parametrize("page", PAGES)
def test_every_output_is_as_shown(followed, page):
    _, found = followed

    assert not found[page], "\n\n".join(found[page])


def test_the_readme_shows_what_the_demonstration_prints(followed):
    folder, _ = followed
    printed = normalised((folder / "demo.txt").read_text("utf-8")).splitlines()
    shown = [block.body for block in blocks_of(ROOT / "README.md") if block.language == "text" and "$ repertory" in block.body]

    assert len(shown) == 1
    assert [line for line in normalised(shown[0]).splitlines() if line not in [*printed, "…"]] == []
