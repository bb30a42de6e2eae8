import csv
import io


def main(text: str, delimiter: str = ",", header: bool = True) -> list:
    """Rows of a CSV text: objects by the names of the first line, or lists where there is no such line."""
    rows = [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff")), delimiter=delimiter) if row]
    if not header:
        return rows
    if not rows:
        return []
    names = rows[0]
    for number, row in enumerate(rows[1:], 2):
        if len(row) > len(names):
            raise ValueError(f"Row {number} has {len(row)} values, the first line names {len(names)}")
    return [dict(zip(names, [*row, *[""] * (len(names) - len(row))])) for row in rows[1:]]
