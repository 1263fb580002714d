"""What holds for every app, as a table of cases: each action succeeds, fails in sentences, and takes whatever it is given.

    with importable(HERE):
        app = load_module(HERE, "app.py")
        CASES = conformance(app.app, HERE, {"lookup host": {"ip": "203.0.113.7"}})

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_conformance(case):
        with simulator.simulator.running() as place:
            case.check(place)
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Collection, Dict, Iterator, List, Mapping, cast
from urllib.parse import urlsplit

from repertory_sdk.app import Action, App
from repertory_sdk.app_worker import make_asset, outcome_of, typed_parameters
from repertory_sdk.convert import conform, hints_of, is_secret
from repertory_sdk.describe import describe_action
from repertory_sdk.errors import ActionFailed, ConversionError
from repertory_sdk.job import Job
from repertory_sdk.manifest import ActionManifest, Parameter
from repertory_sdk.results import values_at
from repertory_sdk.testing.place import Place
from repertory_sdk.vocabulary import shortcomings

Parameters = Mapping[str, Any]
MAY_SUCCEED = ("not found", "no JSON", "empty body", "huge body", "garbage")
"""Faults that an action need not notice: no such thing may be an answer, and not every body is read."""
LONGEST = 500
QUICK = {"timeout_s": 0.25, "retries": 0, "connect_timeout_s": 0.25}
_ODD = "\u202e\u0000' OR 1=1 --\n" + "x" * 300
_INPUTS: Dict[str, List[Any]] = {
    "ip": ["2001:db8::7", "10.1.2.3", "127.0.0.1", "::ffff:192.0.2.1", "fe80::1%eth0", "999.1.1.1", "192.0.2.1/24", "", _ODD],
    "domain": ["bücher.example", "xn--bcher-kva.example", "a..example", "localhost", "-", "evil.example.", "198.51.100.7", _ODD],
    "url": ["http://bücher.example/ü?q=1#f", "https://[2001:db8::7]:8443/", "javascript:alert(1)", "http://", "words", "", _ODD],
    "hash": ["d41d8cd98f00b204e9800998ecf8427e", "A" * 64, "xyz", "", _ODD],
    "email": ["jürgen@bücher.example", "a@b@c", "", _ODD],
    "": ["", "ünïcödé 名前", "a'b\"c`d$(e);f|g", "-rf", "../../etc/passwd", _ODD],
}
_PROGRAMMERS = re.compile(
    r"Traceback|object at 0x|HTTP(S)?ConnectionPool|Errno|\w+(Error|Exception|Failed)\(|<class '|KeyError|NoneType"
)


@dataclass(frozen=True)
class Case:
    """One row: ``check(place)`` raises AssertionError with every shortcoming it finds."""

    name: str
    look: Callable[[Place], Iterator[str]]

    def __str__(self) -> str:
        return self.name

    def check(self, place: Place) -> None:
        """Find nothing wrong, or say all that is."""
        problems = list(self.look(place))
        if problems:
            raise AssertionError(f"{self.name}:\n" + "\n".join(f"  - {problem}" for problem in problems))


def conformance(
    app: App,
    folder: Path,
    examples: Mapping[str, Parameters],
    *,
    may_succeed: Mapping[str, Collection[str]] = {},
    local: Collection[str] = (),
    names: Collection[str] = (),
) -> List[Case]:
    """The cases of an app; to be called while its modules can be imported.

    ``examples`` has parameters with which each action succeeds on the place it is checked against. ``may_succeed`` names
    faults that an action need not notice, ``local`` actions that talk to nobody. Errors name the product, or one of ``names``.
    """
    hints_of(cast(Any, app.repertory_asset()))
    cases = [Case("declares itself", lambda _: _declared(app, folder, examples))]
    for action in app.actions:
        name = action.name
        tolerated = {*MAY_SUCCEED, *may_succeed.get(name, ())}
        checked = _Checked(app, action, describe_action(action), dict(examples.get(name, {})), tolerated, names)
        cases.append(Case(f"{name} succeeds", checked.succeeds))
        if name not in local:
            cases.append(Case(f"{name} fails in sentences", checked.fails_in_sentences))
        cases.append(Case(f"{name} takes anything", checked.takes_anything))
    if app.has_test:
        cases.append(Case("test connectivity", lambda place: _tried(app, place, _connected)))
    if app.has_poll:
        cases.append(Case("on poll", lambda place: _tried(app, place, _polled)))
    return cases


@dataclass(frozen=True)
class _Checked:
    """One action, with an example of its parameters."""

    app: App
    action: Action
    manifest: ActionManifest
    example: Dict[str, Any]
    may_succeed: Collection[str]
    names: Collection[str]

    def succeeds(self, place: Place) -> Iterator[str]:
        """The example works, and what comes back is what the manifest says."""
        try:
            outcome = outcome_of(self._done(place.settings, self.example))
        except ActionFailed as error:
            yield f"its example fails: {error}"
            return
        for row in outcome["data"]:
            for path in self.manifest.outputs:
                for value in values_at(row, path.path):
                    try:
                        conform(path.schema if value is not None else {}, value)
                    except ConversionError as error:
                        yield f"{path.path} is {value!r}: {error}"
            yield from (f"{key} is in the result, and in no data path" for key in row if not _known(key, self.manifest))
        if self.action.idempotent:
            try:
                self._done(place.settings, self.example)
            except ActionFailed as error:
                yield f"it says that doing it twice is the same as once, and the second time it fails: {error}"

    def fails_in_sentences(self, place: Place) -> Iterator[str]:
        """Every fault of the place becomes one sentence."""
        for fault, breaking in place.faults.items():
            with breaking() as settings:
                try:
                    self._done({**settings, **self._quick()}, self.example)
                except ActionFailed as error:
                    yield from (f"{fault}: {problem}: {error}" for problem in self._unclear(error, settings))
                    if fault == "rate limited for 120 s" and error.retry_after_s != 120:
                        yield f"{fault}: the error has retry_after_s={error.retry_after_s}"
                except Exception as error:
                    yield f"{fault}: {error!r} instead of ActionFailed"
                else:
                    if fault not in self.may_succeed:
                        yield f"{fault}: it succeeds"

    def takes_anything(self, place: Place) -> Iterator[str]:
        """Odd values are done or refused in a sentence; nothing else happens."""
        for parameter in self.manifest.parameters:
            for value in _values_for(parameter):
                try:
                    self._done({**place.settings, **self._quick()}, {**self.example, parameter.name: value})
                except ActionFailed as error:
                    yield from (
                        f"{parameter.name}={value!r}: {problem}: {error}"
                        for problem in _unreadable(str(error), place.settings, self.app)
                    )
                except ConversionError:
                    continue
                except Exception as error:
                    yield f"{parameter.name}={value!r}: {error!r} instead of ActionFailed"

    def _quick(self) -> Dict[str, Any]:
        return {name: value for name, value in QUICK.items() if name in _settings_of(self.app)}

    def _done(self, settings: Mapping[str, Any], parameters: Parameters) -> Any:
        """As a worker does it: settings and parameters come as JSON."""
        fragments = {parameter.name: parameter.schema for parameter in self.manifest.parameters}
        for name, value in parameters.items():
            conform(fragments[name], value, name)
        return self.action.call(_asset(self.app, settings), Job(), typed_parameters(self.action, parameters))

    def _unclear(self, error: ActionFailed, settings: Mapping[str, Any]) -> Iterator[str]:
        yield from _unreadable(str(error), settings, self.app)
        if not any(name.lower() in str(error).lower() for name in (self.app.info.product, *self.names)):
            yield f"it does not name {self.app.info.product}"
        if ";" not in str(error):
            yield "it does not say what to do, after a semicolon"


def _asset(app: App, settings: Mapping[str, Any]) -> Any:
    return make_asset(app.repertory_asset(), {"name": "test", "settings": dict(settings)})


def _known(key: str, manifest: ActionManifest) -> bool:
    plain = key == "value" and not manifest.outputs  # of an action that returns a plain value, as one that settles a doubt does
    return plain or any(re.split(r"[.\[]", path.path)[0] == key for path in manifest.outputs)


def _settings_of(app: App) -> Mapping[str, Any]:
    return getattr(app.repertory_asset(), "__dataclass_fields__", {})


def _values_for(parameter: Parameter) -> List[Any]:
    kind = parameter.schema.get("type")
    if "enum" in parameter.schema or kind not in ("string", "integer"):
        return []
    if kind == "integer":
        return [value for value in (0, -1, 2**31) if value >= parameter.schema.get("minimum", value)]
    return next((_INPUTS[kind] for kind in parameter.contains if kind in _INPUTS), _INPUTS[""])


def _unreadable(message: str, settings: Mapping[str, Any], app: App) -> Iterator[str]:
    if len(message) > LONGEST or "\n" in message:
        yield "it is not one sentence"
    if _PROGRAMMERS.search(message):
        yield "it is for programmers"
    for name in _secret_settings(app):
        if settings.get(name) and str(settings[name]) in message:
            yield f"it shows the secret setting {name}"


def _secret_settings(app: App) -> List[str]:
    return [name for name, hint in hints_of(cast(Any, app.repertory_asset())).items() if is_secret(hint)]


def _tried(app: App, place: Place, attempt: Callable[[App, Mapping[str, Any]], str]) -> Iterator[str]:
    """The same of what is no action: connectivity and ingestion."""
    yield from filter(None, [attempt(app, place.settings)])
    quick = {name: value for name, value in QUICK.items() if name in _settings_of(app)}
    for fault, breaking in place.faults.items():
        with breaking() as settings:
            try:
                attempt(app, {**settings, **quick})
            except ActionFailed as error:
                yield from (f"{fault}: {problem}: {error}" for problem in _unreadable(str(error), settings, app))
            except Exception as error:
                yield f"{fault}: {error!r} instead of ActionFailed"
            else:
                if fault not in MAY_SUCCEED:
                    yield f"{fault}: it succeeds"


def _connected(app: App, settings: Mapping[str, Any]) -> str:
    said = app.repertory_test(_asset(app, settings), Job())
    return "" if said else "it says nothing"


def _polled(app: App, settings: Mapping[str, Any]) -> str:
    """Two polls, the second from where the first one ended; an event that comes twice has the same identity."""
    asset = _asset(app, settings)
    checkpoint: Dict[str, Any] = {}
    found = [list(app.repertory_poll(asset, checkpoint, Job()) or ()) for _ in range(2)]
    checkpoint = json.loads(json.dumps(checkpoint))
    if not found[0]:
        return "it finds no event"
    strangers = [event for event in found[0] + found[1] if not event.source_id or not event.source]
    if strangers:
        return f"the event {strangers[0].name!r} has no source or no source_id, by which a second sight of it is known"
    repeated = {event.source_id for event in found[0]} & {event.source_id for event in found[1]}
    return f"the second poll brings events again: {sorted(repeated)[:3]}" if repeated and len(repeated) == len(found[0]) > 1 else ""


# ------------------------------------------------------------ what needs no product


def _declared(app: App, folder: Path, examples: Mapping[str, Parameters]) -> Iterator[str]:
    readme = (folder / "README.md").read_text("utf-8") if (folder / "README.md").is_file() else ""
    names = {action.name for action in app.actions}
    yield from (f"no example is given for {name!r}" for name in sorted(names - set(examples)))
    yield from (f"README.md does not mention {word!r}" for word in _to_be_explained(app) if f"{word}" not in readme)
    yield from (f"{where} reaches everywhere" for where in (*app.info.hosts, *app.info.programs) if where.startswith("*"))
    yield from (f"no permission reaches {place}, where it connects to unless it is set" for place in _unreachable(app))
    for action in app.actions:
        yield from (f"{action.name}: {problem}" for problem in _undeclared(action, names))
        yield from (f"{action.name}: {problem}" for problem in shortcomings(describe_action(action)))


def _unreachable(app: App) -> Iterator[str]:
    """Hosts of URLs that are defaults: only what a user sets opens the host of a setting."""
    for name, field in _settings_of(app).items():
        where = urlsplit(field.default) if isinstance(field.default, str) and "://" in field.default else None
        if where is not None:
            place = f"{where.hostname}:{where.port or (80 if where.scheme == 'http' else 443)}"
            if place not in app.info.hosts:
                yield f"{place} ({name})"


def _to_be_explained(app: App) -> Iterator[str]:
    yield "## Permissions"
    yield from (f"`{host}`" for host in app.info.hosts)
    yield from (f"`{program}`" for program in app.info.programs)
    yield from (f"`{name}`" for name in _settings_of(app))
    yield from (action.name for action in app.actions)


def _undeclared(action: Action, names: Collection[str]) -> Iterator[str]:
    if not (action.function.__doc__ or "").strip():
        yield "it has no description"
    if action.type == "contain" and action.read_only:
        yield "it contains, and says that it only reads"
    if action.name.startswith(("block ", "disable ")):
        if not action.idempotent:
            yield "it is to be idempotent: read back what is there"
        if action.undo not in names:
            yield "it names no undo among the actions of the app"

