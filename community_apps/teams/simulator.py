"""Microsoft Teams, simulated: the webhook of a workflow, which accepts cards and keeps them."""

from __future__ import annotations

from typing import Any, Optional

from repertory_sdk.testing.simulator import Reply, Request, Simulator

PATH = "workflows/0f1e2d/triggers/manual/paths/invoke"
SIGNATURE = "demo-signature"
WEBHOOK = f"/{PATH}?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={SIGNATURE}"

simulator = Simulator(
    "Microsoft Teams", settings={"url": "{url}", "webhook": WEBHOOK}, state=lambda: {"posted": [], "said": ""}
)


@simulator.error
def error(status: int, text: str) -> Reply:
    return Reply(status, {"error": {"code": "Refused", "message": text}})


@simulator.check
def signature(request: Request) -> Optional[Reply]:
    if request.query.get("sig") == SIGNATURE:
        return None
    return Reply(
        401, {"error": {"code": "DirectApiAuthorizationRequired", "message": "The request must be signed with a valid sig."}}
    )


@simulator.route("*", f"/{PATH}")
def invoke(request: Request) -> Any:
    if request.method != "POST":
        return error(405, "The trigger takes POST only.")
    body = request.json()
    cards = [row.get("content") or {} for row in (body or {}).get("attachments") or ()]
    if len(request.body) > 28 * 1024 or not cards or any(card.get("type") != "AdaptiveCard" for card in cards):
        return error(400, "The request body is not valid.")
    request.state["posted"] += cards
    return Reply(202, request.state["said"], {"Content-Type": "text/plain"})


if __name__ == "__main__":
    simulator.main()
