"""What a connector says of itself in its manifest, in our form; its hosts are in its settings and in its code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from repertory.content.formats.classic.hosts import (
    hosts_in,
    hosts_of_libraries,
    lookups_in,
    machine_hosts,
    programs_of_libraries,
    setting_hosts,
)
from repertory.content.formats.classic.playbooks import texts_of
from repertory.content.formats.classic.sdk_source import without_examples
from repertory_sdk.classic import FORMAT
from repertory_sdk.manifest import (
    ActionManifest,
    AppManifest,
    DataPath,
    Parameter,
    Permissions,
    Setting,
    dump_manifest,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from repertory.content.formats.classic.sdk_projects import Project

TIMEOUT_S = 600.0
_MOST_NAME = 64
_SIGNS = (b'"appid"', b'"main_module"', b'"actions"')
_TYPES = {"string": "string", "numeric": "number", "boolean": "boolean"}
_LIKE_OURS = frozenset({"investigate", "contain", "correct", "generic", "ingest", "test"})
_ROWS = "action_result.data"
_SUMMARY = "action_result.summary"
_VERSION = re.compile(r"[0-9]+(\.[0-9]+){1,3}")
# The platform's vendor has copies of these for its own certified cryptography; the packages themselves do the same.
_FORK = re.compile(
    r"git\+https://github\.com/phantomcyber/(?P<name>asn1crypto|oscrypto|paramiko|pdfminer\.six)(\.git)?@[A-Za-z0-9._-]+$"
)
_PYTHON = re.compile(r"3(\.[0-9]+)?")


def main_module_of(content: bytes) -> str:
    """The Python file that a connector's manifest names; empty where it is no such manifest."""
    if not all(sign in content for sign in _SIGNS):
        return ""
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    main = plain.get("main_module") if isinstance(plain, dict) else None
    if not isinstance(main, str) or not isinstance(plain.get("appid"), str) or not isinstance(plain.get("actions"), list):
        return ""
    return main_file(main)


def main_file(main: str) -> str:
    """The file of ``connector.pyc``, and of ``src.app:app`` or ``src/app.py:app`` as splunk-soar-sdk has it."""
    module, colon, _ = main.partition(":")
    if colon:
        return f"{module.removesuffix('.py').replace('.', '/')}.py"
    return main.removesuffix("c") if main.endswith(".pyc") else main


def derive(
    content: bytes, origin: str, files: Sequence[str], read: Callable[[str], bytes], project: Project | None = None
) -> bytes:
    """The manifest; ``files`` are those of the connector, ``read`` gives the bytes of one.

    ``project``: of an app written with splunk-soar-sdk, which says there what it needs.
    """
    plain = json.loads(content)
    pinned = _requires(read("requirements.txt")) if "requirements.txt" in files else ()
    settings = list(_settings(_mapping(plain.get("configuration"))))
    code = [read(path) for path in sorted(files) if path.endswith(".py") and "test" not in path.lower()]
    if project:
        code = [without_examples(one) for one in code]
    actions = [_action(one) for one in plain["actions"] if isinstance(one, dict) and one.get("action")]
    manifest = AppManifest(
        name=_name(plain),
        version=_version(plain.get("app_version")),
        summary=_line(plain.get("description")),
        product=_line(plain.get("product_name")),
        vendor=_line(plain.get("product_vendor")),
        license=_line(plain.get("license")),
        main=main_module_of(content),
        python=(project.python if project else "") or _python(plain.get("python_version")),
        requires=project.requires if project else pinned,
        concurrency=1,
        permissions=Permissions(
            hosts=list(dict.fromkeys(_hosts(settings, actions, code))),
            lookups=lookups_in(code),
            programs=programs_of_libraries(code),
        ),
        settings=settings,
        actions=actions,
        format=FORMAT,
        origin=origin,
    )
    return dump_manifest(manifest).encode()


def _hosts(settings: Sequence[Setting], actions: Sequence[ActionManifest], code: Sequence[bytes]) -> Iterator[str]:
    yield from setting_hosts(settings, code)
    yield from hosts_in(code)
    yield from hosts_of_libraries(code)
    yield from machine_hosts((parameter.name for action in actions for parameter in action.parameters), code)


def _name(plain: Mapping[str, Any]) -> str:
    given = str(plain.get("package_name") or plain.get("name") or "")
    name = re.sub(r"[^a-z0-9_]+", "_", given.lower().removeprefix("phantom_")).strip("_")
    return (name if name and name[0].isalpha() else f"app_{name}")[:_MOST_NAME]


def _line(value: Any) -> str:
    return " ".join(str(value or "").split())


def _version(value: Any) -> str:
    found = _VERSION.match(str(value or ""))
    return found[0] if found else "0.0"


def _python(value: Any) -> str:
    """``3.9, 3.13`` asks for any from the lowest on: few machines have exactly these."""
    texts = value if isinstance(value, list) else str(value or "").split(",")
    minors = [int(found[1][1:]) for text in texts if (found := _PYTHON.fullmatch(str(text).strip())) and found[1]]
    return f">=3.{min(minors)}" if minors else ">=3.9"


def _requires(content: bytes) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in content.decode("utf-8", "replace").splitlines())
    plain = (_FORK.sub(lambda fork: fork["name"], line) for line in lines)
    return [line for line in plain if line and not line.startswith("-") and "://" not in line]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _settings(plain: Mapping[str, Any]) -> Iterator[Setting]:
    for name, said in sorted(plain.items(), key=_order):
        kind = _mapping(said).get("data_type")
        if isinstance(said, dict) and kind != "ph":
            yield Setting(
                name, {"type": _type(said)}, description=_line(said.get("description")),
                required=bool(said.get("required")) and _default(said) is None, default=_default(said), secret=kind == "password",
            )  # fmt: skip


def _action(plain: Mapping[str, Any]) -> ActionManifest:
    kind = str(plain.get("type") or "generic").lower()
    read_only = bool(plain.get("read_only")) and kind not in ("contain", "correct")
    parameters = _mapping(plain.get("parameters"))
    return ActionManifest(
        name=_line(plain["action"]).lower(), type=kind if kind in _LIKE_OURS else "generic",
        function=str(plain.get("identifier") or ""), description=_line(plain.get("description")), read_only=read_only,
        timeout_s=TIMEOUT_S,
        parameters=[
            _parameter(name, said) for name, said in sorted(parameters.items(), key=_order)
            if isinstance(said, dict) and said.get("data_type") != "ph"
        ],
        outputs=list(_outputs(plain.get("output"), _ROWS)),
        summary=list(_outputs(plain.get("output"), _SUMMARY)),
    )  # fmt: skip


def _parameter(name: str, said: Mapping[str, Any]) -> Parameter:
    contains = texts_of(said.get("contains"))
    return Parameter(
        name, _schema(said), description=_line(said.get("description")), required=bool(said.get("required")),
        default=_default(said), contains=contains,
    )  # fmt: skip


def _type(said: Mapping[str, Any]) -> str:
    return _TYPES.get(str(said.get("data_type")), "string")


def _schema(said: Mapping[str, Any]) -> dict[str, Any]:
    """Playbooks give numbers and truth values as text as well; connectors convert them."""
    kind = _type(said)
    return {"type": kind} if kind == "string" else {"anyOf": [{"type": kind}, {"type": "string"}]}


def _default(said: Mapping[str, Any]) -> Any:
    """What is filled in where nothing is given; one of another type than its field is none."""
    default = said.get("default")
    wanted: Any = {"number": (int, float), "boolean": bool, "string": str}[_type(said)]
    is_one = isinstance(default, wanted) and (_type(said) == "boolean" or not isinstance(default, bool))
    return default if is_one and default != "" else None


def _outputs(output: Any, below: str) -> Iterator[DataPath]:
    seen = set()
    for one in output if isinstance(output, list) else ():
        path = _path_below(below, str(one.get("data_path", ""))) if isinstance(one, dict) else ""
        if path and path not in seen:
            seen.add(path)
            schema = {"type": _TYPES[one["data_type"]]} if one.get("data_type") in _TYPES else {}
            examples = one.get("example_values")
            yield DataPath(
                path, schema, contains=texts_of(one.get("contains")), examples=examples if isinstance(examples, list) else ()
            )


def _path_below(start: str, classic: str) -> str:
    """``action_result.data.*.records.*.address`` is ``records[].address`` of a row."""
    if not classic.startswith(f"{start}."):
        return ""
    steps = classic[len(start) + 1 :].removeprefix("*.").split(".")
    path = ""
    for step in steps:
        path += "[]" if step == "*" and path else f".{step}" if path else step
    return "" if path in ("", "*") else path


def _order(pair: tuple[str, Any]) -> tuple[int, str]:
    order = _mapping(pair[1]).get("order")
    return (order if isinstance(order, int) else 1000, pair[0])
