"""Files of unmodified clients: in Python and in TypeScript, inside of jobs, from outside, and by signed addresses."""

from __future__ import annotations

import httpx
import pytest

from tests.live import Live

pytestmark = pytest.mark.asyncio(loop_scope="module")

PYTHON = """
import io, wmill

def main():
    table = wmill.write_s3_file(wmill.S3Object(s3="reports/table.csv"), b"a,b\\n1,2\\n")
    big = wmill.write_s3_file(None, io.BufferedReader(io.BytesIO(b"x" * 3_000_000)))
    with wmill.load_s3_file_reader(big) as reader:
        size = len(reader.read())
    wmill.delete_s3_object(big)
    try:
        wmill.load_s3_file(big)
        gone = False
    except Exception:
        gone = True
    return {"table": table, "size": size, "gone": gone, "link": wmill.get_presigned_s3_public_url(table)}
"""

TYPESCRIPT = """
import * as wmill from "windmill-client@1.818.0"

export async function main(table: wmill.S3Object) {
    const first = new TextDecoder().decode(await wmill.loadS3File(table))
    const blob = await wmill.loadS3FileStream(table)
    const written = await wmill.writeS3File({ s3: "reports/note.txt" }, first.toUpperCase())
    await wmill.deleteS3File(table)
    return { first, streamed: await blob!.text(), written, note: new TextDecoder().decode(await wmill.loadS3File(written)) }
}
"""


async def test_a_flow_hands_a_file_from_step_to_step(server: Live) -> None:
    wire = {"table": {"type": "javascript", "expr": "results.a.table"}}
    modules = [
        {"id": "a", "value": {"type": "rawscript", "content": PYTHON, "language": "python3", "input_transforms": {}}},
        {
            "id": "b",
            "value": {"type": "rawscript", "content": TYPESCRIPT, "language": "deno", "input_transforms": wire},
        },
    ]
    flow = {"value": {"modules": modules}, "args": {}}
    job = await server.ended((await server.post("jobs/run/preview_flow", flow)).text, 90)
    assert job["success"], job["result"]
    text = "a,b\n1,2\n"
    assert (job["result"]["first"], job["result"]["streamed"], job["result"]["note"]) == (text, text, text.upper())
    assert job["result"]["written"] == {"s3": "reports/note.txt"}
    written = (await server.get(f"jobs_u/get/{job['flow_status']['modules'][0]['job']}"))["result"]
    assert (written["size"], written["gone"]) == (3_000_000, True)
    async with httpx.AsyncClient() as nobody:
        assert (await nobody.get(written["link"])).status_code == 404, "the second step took the file away"
        assert (await nobody.get(written["link"].replace("table", "note"))).status_code == 403
