"""The test kit: run a playbook without the tool, and hold a committed manifest to its code.

With pytest, the fixture ``play_recorder`` is there once the SDK is installed:

    def test_known_scanner_is_escalated(play_recorder):
        run = play_recorder.run("investigate_recon", event="scan.json",
                                results={"ip reputation": {"verdict": "malicious"}})
        assert run.event.severity == "high"

An action needs no kit: call its function with an asset made by hand, and with a ``Job()`` where it takes one.
"""

from repertory_sdk.testing.conformance import Case, conformance
from repertory_sdk.testing.loading import importable
from repertory_sdk.testing.manifests import assert_manifest_current
from repertory_sdk.testing.memory import ActionCall, Memory, Note, Question, UnansweredQuestion
from repertory_sdk.testing.place import Place
from repertory_sdk.testing.recorder import PlayRecorder, Recording

__all__ = [
    "ActionCall",
    "Case",
    "Memory",
    "Note",
    "Place",
    "PlayRecorder",
    "Question",
    "Recording",
    "UnansweredQuestion",
    "assert_manifest_current",
    "conformance",
    "importable",
]
