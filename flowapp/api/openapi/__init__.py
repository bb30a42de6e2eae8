"""The OpenAPI document: what each address takes and answers, and with which statuses.

Paths, and parameters that handlers declare, come from the routes themselves. What handlers read by hand is told by the tables of
this package, an entry for each route; `tests/unit/api/test_openapi.py` sees that none is missing, and every test that calls the API
compares each answer with the document (`tests/support/honest.py`).
"""
