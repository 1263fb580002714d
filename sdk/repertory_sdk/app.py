"""The app side: an ``App``, its asset, its actions.

A function's signature is the contract of its action: an asset, typed parameters, a record returned or
``ActionFailed`` raised.

    app = App("blocklist", version="1.0.0", product="Block lists", vendor="Generic")

    @app.asset
    class Lists(Asset):
        feeds: list[str] = setting("Files or URLs, one feed each")

    @app.result
    class Reputation:
        verdict: Literal["malicious", "unknown"]

    @app.action("ip reputation", type="investigate")
    def ip_reputation(lists: Lists, ip: str = param("Address", contains="ip")) -> Reputation:
        '''Look an address up in every feed.'''
"""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Generic,
    Iterable,
    Mapping,
    Optional,
    Sequence,
    TypeVar,
    Union,
)

from repertory_sdk.convert import hints_of
from repertory_sdk.declared import Parameter, output, setting
from repertory_sdk.errors import DefinitionError
from repertory_sdk.hookspecs import hookimpl
from repertory_sdk.job import Job
from repertory_sdk.models import ACTION_TYPES, Event
from repertory_sdk.records import record_class

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, dataclass_transform

    P = ParamSpec("P")
else:

    def dataclass_transform(**_: Any) -> Any:
        """A mark for type checkers only."""
        return lambda decorated: decorated


R = TypeVar("R")
C = TypeVar("C", bound=type)
Row = TypeVar("Row")

_HARMLESS = ("investigate", "test", "ingest")


class Asset:
    """Base of an app's asset class: a named configuration, the same object for every action of one worker.

    ``name`` is the asset's name. ``state`` is a small JSON object that is kept between actions (tokens,
    cursors); with several workers of one asset the last one to finish wins. ``functools.cached_property`` works for
    what may be kept in memory only.
    """

    name: str = "test"

    @functools.cached_property
    def state(self) -> dict[str, Any]:
        """What was kept from earlier actions."""
        return {}


@dataclass(frozen=True)
class Output(Generic[Row]):
    """A result with more to say than one record: several rows, a sentence, a summary of numbers."""

    data: Union[Row, Sequence[Row]]
    message: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class AppInfo:
    """What an app says about itself."""

    name: str
    version: str
    product: str = ""
    vendor: str = ""
    summary: str = ""
    license: str = ""
    homepage: str = ""
    python: str = ">=3.9"
    requires: Sequence[str] = ()
    hosts: Sequence[str] = ()
    lookups: Sequence[str] = ()
    files: Sequence[str] = ()
    programs: Sequence[str] = ()
    memory_mb: Optional[int] = None
    concurrency: int = 4


@dataclass(frozen=True)
class Action:
    """One operation. ``function`` takes an asset, a job and the parameters, by the names in its signature."""

    name: str
    function: Callable[..., Any]
    type: str = "investigate"
    read_only: bool = False
    idempotent: bool = False
    check: Optional[str] = None
    undo: Optional[str] = None
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if self.type not in ACTION_TYPES:
            raise DefinitionError(
                f"action {self.name!r}: type must be one of {', '.join(ACTION_TYPES)}, not {self.type!r}"
            )
        if self.timeout_s <= 0:
            raise DefinitionError(f"action {self.name!r}: timeout_s must be positive")

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """The function's signature, with ``Parameter`` objects as defaults."""
        return getattr(self.function, "__described__", None) or inspect.signature(self.function)

    @functools.cached_property
    def roles(self) -> Mapping[str, str]:
        """For each name in the signature: ``asset``, ``job`` or ``parameter``."""
        hints = hints_of(inspect.unwrap(self.function))
        return {name: _role(hints.get(name)) for name in self.signature.parameters}

    def call(self, asset: Any, job: Job, parameters: Mapping[str, Any]) -> Any:
        """Do it; a parameter that is not given takes its default."""
        given = {"asset": asset, "job": job}
        arguments = {name: given[role] for name, role in self.roles.items() if role in given}
        return with_plain_defaults(self.function)(**arguments, **parameters)


def _role(hint: Any) -> str:
    if hint is Job:
        return "job"
    return "asset" if isinstance(hint, type) and issubclass(hint, Asset) else "parameter"


class App:
    """An app: what it is, and everything registered with its decorators."""

    def __init__(
        self,
        name: str,
        *,
        version: str,
        product: str = "",
        vendor: str = "",
        summary: Optional[str] = "",
        license: str = "Apache-2.0",
        homepage: str = "",
        python: str = ">=3.9",
        requires: Sequence[str] = (),
        hosts: Sequence[str] = (),
        lookups: Sequence[str] = (),
        files: Sequence[str] = (),
        programs: Sequence[str] = (),
        memory_mb: Optional[int] = None,
        concurrency: int = 4,
    ) -> None:
        """Declare an app.

        ``requires`` are Python requirements (PEP 508). ``hosts`` (``host:port``, ``host:port/udp``), ``lookups`` (names whose
        DNS records it asks for), ``files`` and ``programs`` are all that it can reach, where ``${asset.setting}`` stands
        for what the user configured. ``memory_mb`` is for apps to which 2048 MB of address space are not enough;
        ``concurrency`` is how many actions of one asset may run at a time, each in a process of its own.
        """
        first_line = (summary or "").strip().partition("\n")[0]
        self.info = AppInfo(
            name, version, product, vendor, first_line, license, homepage, python,
            tuple(requires), tuple(hosts), tuple(lookups), tuple(files), tuple(programs), memory_mb, concurrency,
        )  # fmt: skip
        self._asset: type[Asset] = Asset
        self._actions: list[Action] = []
        self._test: Optional[Action] = None
        self._poll: Optional[Callable[..., Iterable[Event]]] = None

    # ---------------------------------------------------------- decorators

    @dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(setting,))
    def asset(self, cls: C) -> C:
        """Make a class the asset of this app; its fields are the settings."""
        if not issubclass(cls, Asset):
            raise DefinitionError(f"{cls.__name__} must be a subclass of Asset")
        made: C = record_class(cls, eq=False)
        self._asset = made
        return made

    @dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(output,))
    def result(self, cls: C) -> C:
        """Make a class a result record; its fields become documented data paths."""
        return record_class(cls, eq=True)  # type: ignore[no-any-return]

    def action(
        self,
        name: Optional[str] = None,
        *,
        type: str = "investigate",
        read_only: Optional[bool] = None,
        idempotent: Optional[bool] = None,
        check: Optional[str] = None,
        undo: Optional[str] = None,
        timeout_s: float = 60.0,
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Make a function an action.

        Without ``name`` it is the function's, with spaces. ``read_only`` is true for investigating and testing
        actions unless told otherwise; ``idempotent`` says that doing it twice is the same as once. ``check`` names an
        action that tells whether this one has already happened, ``undo`` the one that takes it back.
        """

        if callable(name):
            raise DefinitionError(f"write @app.action() with parentheses above {name.__name__}")

        def decorate(function: Callable[P, R]) -> Callable[P, R]:
            harmless = type in _HARMLESS if read_only is None else read_only
            title = name or function.__name__.replace("_", " ")
            wrapped = with_plain_defaults(function)
            repeatable = harmless if idempotent is None else idempotent
            self.add(Action(title, wrapped, type, harmless, repeatable, check, undo, timeout_s))
            return wrapped

        return decorate

    def add(self, action: Action) -> None:
        """Add an action made by hand."""
        if any(known.name == action.name for known in self._actions):
            raise DefinitionError(f"app {self.info.name!r} has two actions called {action.name!r}")
        self._actions.append(action)

    def test(self, function: Callable[P, R]) -> Callable[P, R]:
        """Make a function the connectivity test: it returns a sentence or raises ActionFailed."""
        self._test = Action("test connectivity", function, "test", True, True)
        return function

    def poll(self, function: Callable[P, Iterable[Event]]) -> Callable[P, Iterable[Event]]:
        """Make a generator of events the app's ingestion.

        It takes the asset and ``checkpoint``, a dictionary that is kept once the events are stored.
        """
        self._poll = function
        return function

    # --------------------------------------------------------------- hooks

    @hookimpl
    def repertory_app(self) -> AppInfo:
        """What this app is."""
        return self.info

    @hookimpl
    def repertory_asset(self) -> type[Asset]:
        """The decorated asset class."""
        return self._asset

    @hookimpl
    def repertory_actions(self, register: Callable[[Action], None]) -> None:
        """Everything decorated."""
        for action in self._actions:
            register(action)

    @hookimpl
    def repertory_test(self, asset: Any, job: Job) -> Optional[str]:
        """The decorated test."""
        if self._test is None:
            return None
        return str(self._test.call(asset, job, {}) or "connected")

    @hookimpl
    def repertory_poll(self, asset: Any, checkpoint: dict[str, Any], job: Job) -> Optional[Iterable[Event]]:
        """The decorated poll."""
        if self._poll is None:
            return None
        wanted = inspect.signature(self._poll).parameters
        extra = {"job": job} if "job" in wanted else {}
        return self._poll(asset, checkpoint, **extra)

    @property
    def actions(self) -> Sequence[Action]:
        """What was decorated and added, in that order."""
        return tuple(self._actions)

    @property
    def has_test(self) -> bool:
        """Whether a connectivity test is declared."""
        return self._test is not None

    @property
    def has_poll(self) -> bool:
        """Whether ingestion is declared."""
        return self._poll is not None


def with_plain_defaults(function: Callable[P, R]) -> Callable[P, R]:
    """The same function, callable by hand: ``param(...)`` defaults are replaced by the values they describe."""
    described = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = described.bind_partial(*args, **kwargs)
        for name, parameter in described.parameters.items():
            if name not in bound.arguments and isinstance(parameter.default, Parameter):
                if parameter.default.required:
                    raise TypeError(f"{function.__name__}() needs {name}")
                bound.arguments[name] = parameter.default.default
        return function(*bound.args, **bound.kwargs)

    call.__described__ = described  # type: ignore[attr-defined]
    return call
