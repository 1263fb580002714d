"""Events from files: text in one of three formats becomes events, all of them or none."""

from repertory.runtime.ingest.entries import Ingested
from repertory.runtime.ingest.reading import MAX_BYTES, read_events, read_text

__all__ = ["MAX_BYTES", "Ingested", "read_events", "read_text"]
