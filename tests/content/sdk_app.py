"""An app of our own making that is written with splunk-soar-sdk, spread over modules as such apps are."""

from __future__ import annotations

from collections.abc import Mapping

PROJECT = '''\
[project]
name = "lamps"
version = "1.4.2"
description = "Looks after lamps"
license = "Apache-2.0"
requires-python = ">=3.9"
dependencies = ["splunk-soar-sdk>=2.3.7"]

[tool.soar.app]
main_module = "src.app:app"
'''
APP = '''\
import typing
from typing import Optional

from soar_sdk.abstract import SOARClient
from soar_sdk.action_results import ActionOutput, OutputField
from soar_sdk.app import App
from soar_sdk.asset import AssetField, BaseAsset
from soar_sdk.exceptions import ActionFailure
from soar_sdk.logging import getLogger
from soar_sdk.models.artifact import Artifact
from soar_sdk.models.container import Container
from soar_sdk.params import OnPollParams, Param, Params

from .words import KIND, Street

logger = getLogger()
API = "https://lamps.example-vendor.com/v1"


class Asset(BaseAsset):
    base_url: str = AssetField(description="Where they are", default="https://localhost")
    key: str = AssetField(sensitive=True, description="Opens the box")
    retries: int = AssetField(required=False, default=3)


app = App(
    name="Lamps of Ours", appid="5d9b8c44-3d0f-4b27-9a55-2b4c0f6a7e01", app_type="information", logo="l.svg", logo_dark="d.svg",
    product_vendor="Ours", product_name="Lamps", publisher="Us", asset_cls=Asset,
)


class Post(ActionOutput):
    street: str
    watts: int = OutputField(example_values=[40, 60])


class Look(ActionOutput):
    found: typing.List[Post]
    number: int = OutputField(alias="No", cef_types=["lamp number"])
    is_lit: bool


class Summary(ActionOutput):
    lamps: int


@app.test_connectivity()
def test_connectivity(soar: SOARClient, asset: Asset) -> None:
    """Is there light?"""
    if asset.key != "s3cret":
        raise ActionFailure("wrong key")


@app.action(action_type=KIND, summary_type=Summary)
def look_up(params: Street, soar: SOARClient, asset: Asset) -> Look:
    """Look a lamp up."""
    logger.info("looking")
    if params.street == "Ash":
        return Look(found=[], No=0, is_lit=False)
    if params.street == "Yew":
        soar.container.create({"name": "Hollow street", "source_data_identifier": "hollow"})
    soar.set_message("as asked")
    soar.set_summary(Summary(lamps=1))
    if params.street == "Elm":
        raise ActionFailure("no such street")
    return Look(found=[Post(street=params.street, watts=asset.retries)], No=7, is_lit=True)


@app.on_poll()
def on_poll(params: OnPollParams, soar: SOARClient, asset: Asset) -> typing.Iterator[typing.Union[Container, Artifact]]:
    yield Container(name="Dark street", source_data_identifier="dark-1", severity="high")
    yield Artifact(name="lamp", cef={"sourceAddress": "192.0.2.9"}, source_data_identifier="lamp-1")


from . import actions  # noqa: E402, F401
app.register_action("actions.switch:switch", action_type="correct", read_only=False)
'''
WORDS = '''\
from enum import Enum

from soar_sdk.params import Param, Params


class Kinds(Enum):
    LOOK = "invest" + "igate"


KIND = Kinds.LOOK.value


class Place(Params):
    street: str = Param("Which street", cef_types=["street"], primary=True)


class Street(Place):
    many: float = Param(default=-1.5, value_list=[1, 2])
    token: str = Param(sensitive=True, required=False, alias="the-token")
'''
SWITCH = '''\
from soar_sdk.action_results import ActionOutput
from soar_sdk.exceptions import ActionFailure
from soar_sdk.params import Params


class Done(ActionOutput):
    on: bool


def switch(params: Params) -> Done:
    """Switch all of them."""
    raise RuntimeError("the fuse is gone")
'''
NAP = '''\
from ..app import app
from soar_sdk.action_results import ActionOutput
from soar_sdk.params import Params


@app.action(name="take a nap", identifier="nap")
def whatever(params: Params) -> ActionOutput:
    return ActionOutput()
'''


def sdk_files(**changes: str) -> dict[str, str]:
    """A repository with the app; ``changes`` replace the text that is named by the file's stem."""
    files: Mapping[str, str] = {
        "pyproject.toml": PROJECT,
        "README.md": "# Lamps\n",
        "requirements.txt": "never-asked-for==1\n",
        "src/__init__.py": "",
        "src/app.py": APP,
        "src/words.py": WORDS,
        "src/actions/__init__.py": "from . import nap\n",
        "src/actions/nap.py": NAP,
        "src/actions/switch.py": SWITCH,
        "tests/test_app.py": "from src.app import app\n",
    }
    return {path: changes.get(path.rpartition("/")[2].partition(".")[0], text) for path, text in files.items()}
