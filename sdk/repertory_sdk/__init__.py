"""What community content imports: the interfaces of apps and playbooks."""

from repertory_sdk.app import Action, App, AppInfo, Asset, Output
from repertory_sdk.convert import Secret
from repertory_sdk.declared import output, param, setting
from repertory_sdk.errors import ActionFailed, DefinitionError, PlaybookError, RepertoryError
from repertory_sdk.hookspecs import hookimpl
from repertory_sdk.job import Job
from repertory_sdk.models import Artifact, Attachment, Event, Result
from repertory_sdk.playbook import Answer, Play, Playbook, playbook
from repertory_sdk.results import Results

__all__ = [
    "Action",
    "ActionFailed",
    "Answer",
    "App",
    "AppInfo",
    "Artifact",
    "Asset",
    "Attachment",
    "DefinitionError",
    "Event",
    "Job",
    "Output",
    "Play",
    "Playbook",
    "PlaybookError",
    "RepertoryError",
    "Result",
    "Results",
    "Secret",
    "hookimpl",
    "output",
    "param",
    "playbook",
    "setting",
]
