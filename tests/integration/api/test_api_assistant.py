"""The assistant over HTTP for a document that is not stored."""

from __future__ import annotations

from typing import Any

from tests.integration.api.api_server import Server, flow_of, js, script

TAKES = "def main(customer_email: str, order_id: int, note: str = ''): pass"
ORDER = {"order": {"id": 7, "total": 12.5}, "customer": {"email": "a@example.com", "name": "Ada"}}


def asking(step: str = "b", **more: Any) -> dict[str, Any]:
    """A request for step b of two, where a gave an order."""
    flow = flow_of(script("a", "def main():\n    return {}"), script("b", TAKES))
    return {"flow": flow, "step_id": step, "samples": {"results": {"a": ORDER}}, "use_model": False, **more}


async def connect(server: Server, body: Any, status: int = 200) -> Any:
    answer = await server.client.post("/api/w/main/assistant/connect", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def test_each_open_field_has_its_proposal_with_the_real_value(server: Server) -> None:
    answer = await connect(server, asking())
    by_field = {proposal["field"]: proposal for proposal in answer["proposals"]}
    assert by_field["customer_email"]["expr"] == "results.a.customer.email"
    assert by_field["customer_email"]["value"] == "a@example.com"
    assert (by_field["order_id"]["expr"], by_field["order_id"]["value"]) == ("results.a.order.id", 7)
    assert "note" not in by_field
    for proposal in answer["proposals"]:
        assert proposal["source"] == "matcher" and proposal["why"] and isinstance(proposal["alternatives"], list)
    scores = [proposal["score"] for proposal in answer["proposals"]]
    assert scores == sorted(scores, reverse=True)


async def test_flow_inputs_and_the_item_of_a_loop_count_too(server: Server) -> None:
    inner = script("b", "def main(email: str, region: str): pass")
    loop = {"id": "each", "value": {"type": "forloopflow", "iterator": js("results.a.people"), "modules": [inner]}}
    flow = flow_of(script("a", "def main():\n    return {}"), loop)
    samples = {"flow_input": {"region": "EU"}, "results": {"a": {"people": [{"email": "a@example.com"}]}}}
    answer = await connect(server, {"flow": flow, "step_id": "b", "samples": samples})
    found = {proposal["field"]: (proposal["expr"], proposal["value"]) for proposal in answer["proposals"]}
    assert found == {
        "email": ("flow_input.iter.value.email", "a@example.com"),
        "region": ("flow_input.region", "EU"),
    }


async def test_a_field_that_is_only_wired_open_is_one_too(server: Server) -> None:
    step = {"id": "b", "value": {"type": "identity", "input_transforms": {"customer_email": js("")}}}
    flow = flow_of(script("a", "def main():\n    return {}"), step)
    answer = await connect(server, asking(flow=flow))
    assert [proposal["field"] for proposal in answer["proposals"]] == ["customer_email"]


async def test_a_called_script_has_the_fields_of_its_code(server: Server) -> None:
    body = {"path": "u/admin/send", "summary": "", "description": "", "content": TAKES, "language": "python3"}
    made = await server.client.post("/api/w/main/scripts/create", json=body)
    assert made.status_code == 201, made.text
    call = {"id": "b", "value": {"type": "script", "path": "u/admin/send", "input_transforms": {}}}
    answer = await connect(server, asking(flow=flow_of(script("a", "def main():\n    return {}"), call)))
    assert {proposal["field"] for proposal in answer["proposals"]} == {"customer_email", "order_id"}


async def test_what_cannot_be_answered_says_why(server: Server) -> None:
    unknown = await connect(server, asking(step="nope"), 400)
    assert "nope" in unknown["error"]["message"] and "a, b" in unknown["error"]["hint"]
    assert "samples" in (await connect(server, asking(samples={"results": [1]}), 400))["error"]["message"]
    assert "samples" in (await connect(server, asking(samples="x"), 400))["error"]["message"]
    for flow in (None, "text", {}, {"value": {"modules": [{"id": "b"}]}}):
        answer = await server.client.post("/api/w/main/assistant/connect", json=asking(flow=flow))
        assert answer.status_code in (400, 422) and answer.json()["error"]["message"], flow
    asked = await connect(server, asking(use_model=True))
    assert "No model is configured" in asked["notice"] and asked["proposals"]


async def test_a_viewer_may_not_ask(server: Server) -> None:
    viewer = await server.person("vera", "viewer")
    answer = await viewer.post("/api/w/main/assistant/connect", json=asking())
    assert answer.status_code == 403


async def test_what_is_sent_holds_no_secret_that_one_may_use(server: Server) -> None:
    secret = {"path": "u/admin/key", "value": "hunter-22-hunter", "is_secret": True, "description": ""}
    assert (await server.client.post("/api/w/main/variables/create", json=secret)).status_code == 201
    code = "def main():\n    return 'hunter-22-hunter'\n"
    draft = await server.draft(flow_of(script("a", code), script("b", "def main(note: str): pass")))
    cells = {cell["step_id"]: cell["id"] for cell in (await server.notebook(draft))["cells"]}
    server.engine.answers = {"a": {"note": "it is hunter-22-hunter", "n": 5}}
    server.engine.failing = {"b": {"name": "ValueError", "message": "no hunter-22-hunter, password=abc123def"}}
    await server.run(draft, cells["a"])
    await server.run(draft, cells["b"])
    body = {"instruction": "Fix it", "mode": "edit", "cell": cells["b"], "dry": True}
    sent = (await server.post(draft, "assist", body))["sent"]
    assert "ValueError" in sent and '"n": 5' in sent and "def main():" in sent
    assert "hunter-22" not in sent and "abc123def" not in sent
    refused = await server.client.post(f"/api/w/main/drafts/{draft}/assist", json={**body, "instruction": " "})
    assert refused.status_code == 400
