import csv
import io


def main(rows: list, delimiter: str = ",") -> str:
    """A CSV text of objects; its columns are all their keys, in the order in which they come."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, delimiter=delimiter, lineterminator="\n", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()
