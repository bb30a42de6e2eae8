"""Addresses of files that scripts keep."""

from __future__ import annotations

from flowapp.api.openapi.operations import Body, Operation, op

_W = "/api/w/{ws}"
_HELPERS = f"{_W}/job_helpers"
_FILE = Body({"application/octet-stream": {"type": "string", "format": "binary"}})
_RESOURCE = "s3_resource_path: string"
#: Where a bucket does not answer, or the server may not call it.
_AWAY = (404, 502)

OBJECTS: dict[str, Operation] = {
    f"POST {_HELPERS}/upload_s3_file": op(body=_FILE, also=(413, *_AWAY)),
    f"GET {_HELPERS}/download_s3_file": op("file", also=_AWAY),
    f"DELETE {_HELPERS}/delete_s3_file": op("text", also=_AWAY),
    f"POST {_HELPERS}/v2/s3_resource_info": op(body=_RESOURCE, also=(404,)),
    f"POST {_HELPERS}/v2/duckdb_connection_settings": op(body=_RESOURCE, also=(404,)),
    f"POST {_HELPERS}/v2/polars_connection_settings": op(body=_RESOURCE, also=(404,)),
    f"POST {_W}/apps/sign_s3_objects": op("list", body="s3_objects!: objects, expiry_secs: integer", also=(404,)),
    f"GET {_W}/s3_proxy/{{storage}}/{{key}}": op("file", also=(403, *_AWAY), public=True),
    f"GET {_W}/workspaces/get_large_file_storage_config": op(),
    f"POST {_W}/workspaces/edit_large_file_storage_config": op("text", body="large_file_storage: object", also=_AWAY),
}
