import json
import os
import urllib.request


def main(
    webhook_url: str,
    schedule_path: str,
    path: str,
    error: dict = {},
    failed_times: int = 0,
    success_times: int = 0,
    job_id: str = "",
) -> str:
    """For a schedule's on_failure, on_recovery or on_success: say what happened to an incoming webhook."""
    if failed_times:
        times = f" {failed_times} times in a row" if failed_times > 1 else ""
        text = f"Schedule {schedule_path}: {path} failed{times}: {error.get('message', 'no reason is known')}"
    elif success_times:
        text = f"Schedule {schedule_path}: {path} works again"
    else:
        text = f"Schedule {schedule_path}: {path} succeeded"
    base = os.environ.get("WM_BASE_URL", "")
    if base and job_id:
        text += f"\n{base}/runs/{job_id}?workspace={os.environ.get('WM_WORKSPACE', '')}"
    request = urllib.request.Request(
        webhook_url, json.dumps({"text": text}).encode(), {"Content-Type": "application/json"}
    )
    if request.type not in ("http", "https"):
        raise ValueError("webhook_url must begin with http:// or https://")
    with urllib.request.urlopen(request, timeout=30):
        return text
