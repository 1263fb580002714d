"""Requirements: pinned, hashed, and from the user's index."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from content.builders import APP, APP_CODE
from repertory.content.checks.requirements import lock_issues
from repertory.content.items.inspection import inspect_folder

HASH = f"--hash=sha256:{'a' * 64}"
GOOD = f"""\
# made by a tool
requests==2.32.0 ; python_version >= '3.9' \\
    {HASH} \\
    {HASH}
urllib3==2.2.0 {HASH}
"""


def test_a_good_lock() -> None:
    assert lock_issues("requirements.lock", GOOD, ["requests>=2", "Urllib3[socks]"]) == []
    assert lock_issues("requirements.lock", "", []) == []


def test_markers_may_mean_every_release_of_a_version() -> None:
    line = f"cffi==2.1.0 ; python_full_version == '3.10.*' and platform_python_implementation != 'PyPy' \\\n    {HASH}\n"
    assert lock_issues("requirements.lock", line, ["cffi>=2"]) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("requests", "does not pin"),
        ("requests>=2", "does not pin"),
        ("-r other.txt", "from elsewhere"),
        ("-e .", "from elsewhere"),
        ("--index-url https://example.org", "from elsewhere"),
        ("--extra-index-url=https://example.org", "from elsewhere"),
        ("./folder", "from elsewhere"),
        ("--find-links https://example.org", "from elsewhere"),
        ("--trusted-host example.org", "from elsewhere"),
        ("-i https://example.org", "from elsewhere"),
        ("-c other.txt", "from elsewhere"),
        ("--requirement=other.txt", "from elsewhere"),
        ("--editable .", "from elsewhere"),
        ("file:///x.whl", "from elsewhere"),
        ("C:\\x.whl", "from elsewhere"),
        (f"requests==2.32.0 -i https://example.org {HASH}", "from elsewhere"),
        (f"requests==2.32.0 {HASH} -e.", "from elsewhere"),
        (f"requests==${{VERSION}} {HASH}", "from elsewhere"),
        (f"requests==2.32.0 {HASH} more", "'more' does not belong there"),
        (f"requests==2.32.* {HASH}", "does not pin"),
        (f"requests[x @ y]==2.32.0 {HASH}", "from elsewhere"),
        ("https://example.org/x.whl", "from elsewhere"),
        ("git+https://example.org/x", "from elsewhere"),
        (f"requests @ https://example.org/x.whl {HASH}", "from elsewhere"),
        ("requests==2.32.0", "requests has no hash"),
        ("requests==2.32.0 --hash=md5:abc", "requests has no hash"),
        (f"requests==2.32.0 {HASH} --index-url https://example.org", "not permitted"),
        (f"requests==2.32.0 {HASH} @ https://example.org/x", "not permitted"),
        (f"requests==2.32.0 --no-binary=:all: {HASH}", "not permitted"),
    ],
)
def test_lines_that_are_refused(line: str, said: str) -> None:
    issues = lock_issues("requirements.lock", f"# first\n{line}\n", [])
    assert said in issues[0].message
    assert all((issue.line, issue.is_error) == (2, True) for issue in issues)


def test_the_line_where_a_requirement_begins() -> None:
    (issue,) = lock_issues("requirements.lock", f"{GOOD}\nbroken \\\n    {HASH}\n")
    assert issue.line == 7


def test_a_requirement_that_is_not_pinned() -> None:
    (issue,) = lock_issues("requirements.lock", GOOD, ["requests", "dnspython"])
    assert issue.message == "dnspython is required but not pinned"


@pytest.mark.parametrize(
    "requirement",
    ["x>=1\ny", "x>=1 -r other.txt", "x>=1 --index-url example.org", "x\n--index-url=y", "x @ example", "x[a @ b]>=1",
     "x @ https://example.org/x.whl", "https://example.org/x.whl", "git+ssh://x", "./x", "-e x", "--index-url=x", ""],
)
def test_requirements_that_are_refused(tmp_path: Path, requirement: str) -> None:
    assert "requirement" in rules_of(tmp_path, [requirement], GOOD)


def test_requirements_need_a_lock(tmp_path: Path) -> None:
    assert rules_of(tmp_path, ["requests>=2"], GOOD) == []
    (tmp_path / "item" / "requirements.lock").unlink()
    assert [issue.message for issue in inspect_folder(tmp_path / "item").all_issues] == [
        "the app requires packages but has no requirements.lock"
    ]


def rules_of(tmp_path: Path, requires: list[str], lock: str) -> list[str]:
    folder = tmp_path / "item"
    folder.mkdir()
    (folder / "README.md").write_text("# item\n")
    (folder / "app.json").write_text(json.dumps(APP | {"requires": requires}))
    (folder / "app.py").write_text(APP_CODE.replace('"1.0.0"', f'"1.0.0", requires={requires!r}'))
    (folder / "requirements.lock").write_text(lock)
    return [issue.rule for issue in inspect_folder(folder).all_issues]
