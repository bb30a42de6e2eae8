import json
import urllib.error
import urllib.request


def main(webhook_url: str, text: str, field: str = "text", more: dict = {}) -> dict:
    """Post a message to an incoming webhook, as Slack, Mattermost, Teams ("text") and Discord ("content") have them."""
    body = json.dumps({**more, field: text}).encode()
    request = urllib.request.Request(webhook_url, body, {"Content-Type": "application/json"})
    if request.type not in ("http", "https"):
        raise ValueError("webhook_url must begin with http:// or https://")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return {"status": answer.status, "answer": answer.read(2000).decode(errors="replace")}
    except urllib.error.HTTPError as error:
        said = error.read(500).decode(errors="replace")
        raise RuntimeError(f"The webhook answered {error.code}: {said}") from None
