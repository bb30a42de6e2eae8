import re

WORDS = {"$schema", "$id", "$comment", "$defs", "title", "description", "default", "examples", "format", "order"}
TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float), "integer": int,
}  # fmt: skip


def main(value: dict, schema: dict, fail: bool = True) -> dict:
    """Check a value against a JSON Schema. What is wrong is an error, or with fail off a list of places and reasons."""
    problems = [{"at": at, "message": message} for at, message in check(value, schema, schema, "")]
    if problems and fail:
        shown = "; ".join(f"{each['at'] or 'the value'}: {each['message']}" for each in problems[:5])
        raise ValueError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {shown}")
    return {"valid": not problems, "problems": problems}


def is_a(value, kind):
    if kind not in TYPES:
        raise ValueError(f"There is no type {kind!r}")
    if kind in ("number", "integer") and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[kind]) or (kind == "integer" and isinstance(value, float) and value.is_integer())


def same(a, b):
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def size(test, kind, words):
    return lambda value, wanted: f"{words} {wanted}" if isinstance(value, kind) and test(len(value), wanted) else None


def limit(test, words):
    return lambda value, wanted: f"{words} {wanted}" if is_a(value, "number") and test(value, wanted) else None


def one_type(value, wanted):
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return None if any(is_a(value, kind) for kind in kinds) else f"{value!r} is not of type {' or '.join(kinds)}"


SIMPLE = {
    "type": one_type,
    "enum": lambda value, wanted: None if any(same(value, each) for each in wanted) else f"{value!r} is none of {wanted}",
    "const": lambda value, wanted: None if same(value, wanted) else f"{value!r} is not {wanted!r}",
    "minimum": limit(lambda a, b: a < b, "is less than"),
    "maximum": limit(lambda a, b: a > b, "is more than"),
    "exclusiveMinimum": limit(lambda a, b: a <= b, "is not more than"),
    "exclusiveMaximum": limit(lambda a, b: a >= b, "is not less than"),
    "minLength": size(lambda a, b: a < b, str, "is shorter than"),
    "maxLength": size(lambda a, b: a > b, str, "is longer than"),
    "minItems": size(lambda a, b: a < b, list, "has fewer items than"),
    "maxItems": size(lambda a, b: a > b, list, "has more items than"),
    "pattern": lambda value, wanted: (
        f"{value!r} does not match {wanted}" if isinstance(value, str) and not re.search(wanted, value) else None
    ),
}
NESTED = {"required", "properties", "additionalProperties", "items", "allOf", "anyOf", "oneOf", "not", "$ref"}


def check(value, schema, root, at):
    """Pairs of place and reason. A keyword that is not known is refused: nothing is taken for right unseen."""
    if isinstance(schema, bool):
        return [] if schema else [(at, "is not allowed")]
    unknown = set(schema) - WORDS - set(SIMPLE) - NESTED
    if unknown:
        raise ValueError(f"This script does not know {', '.join(sorted(unknown))}")
    found = [(at, said) for word, wanted in schema.items() if word in SIMPLE and (said := SIMPLE[word](value, wanted))]
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        if schema["$ref"] != f"#/$defs/{name}" or name not in root.get("$defs", {}):
            raise ValueError(f"There is no {schema['$ref']} in the schema")
        found += check(value, root["$defs"][name], root, at)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [(at, f"{name!r} is a required property") for name in schema.get("required", []) if name not in value]
        for name, item in value.items():
            found += check(item, known.get(name, schema.get("additionalProperties", True)), root, f"{at}/{name}".strip("/"))
    if isinstance(value, list):
        for number, item in enumerate(value):
            found += check(item, schema.get("items", True), root, f"{at}/{number}".strip("/"))
    for part in schema.get("allOf", []):
        found += check(value, part, root, at)
    fitting = {word: sum(not check(value, part, root, at) for part in schema.get(word, [])) for word in ("anyOf", "oneOf")}
    if "anyOf" in schema and not fitting["anyOf"]:
        found.append((at, "fits none of the schemas of anyOf"))
    if "oneOf" in schema and fitting["oneOf"] != 1:
        found.append((at, f"fits {fitting['oneOf']} of the schemas of oneOf"))
    if "not" in schema and not check(value, schema["not"], root, at):
        found.append((at, "fits the schema of not"))
    return found
