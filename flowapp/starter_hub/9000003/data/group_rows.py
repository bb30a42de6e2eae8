def main(rows: list, by: str, total: str = "") -> list:
    """How many rows there are of each value of a field, and the sum of another field over them."""
    groups: dict = {}
    for row in rows:
        group = groups.setdefault(row.get(by), {by: row.get(by), "count": 0, **({total: 0} if total else {})})
        group["count"] += 1
        if total:
            group[total] += row.get(total) or 0
    return list(groups.values())
