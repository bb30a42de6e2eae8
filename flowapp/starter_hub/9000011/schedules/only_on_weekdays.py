from datetime import datetime
from zoneinfo import ZoneInfo


def main(scheduled_for: str, timezone: str = "UTC") -> bool:
    """For a schedule's dynamic skip: runs from Monday to Friday only."""
    moment = datetime.fromisoformat(scheduled_for.replace("Z", "+00:00"))
    return moment.astimezone(ZoneInfo(timezone)).weekday() < 5
