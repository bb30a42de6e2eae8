import jsonschema


def main(value: dict, schema: dict, fail: bool = True) -> dict:
    """Check a value against a JSON Schema. What is wrong is an error, or with fail off a list of places and reasons."""
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    problems = [
        {"at": "/".join(str(part) for part in problem.absolute_path), "message": problem.message}
        for problem in validator(schema).iter_errors(value)
    ]
    if problems and fail:
        shown = "; ".join(f"{each['at'] or 'the value'}: {each['message']}" for each in problems[:5])
        raise ValueError(f"{len(problems)} problem{'s' if len(problems) > 1 else ''}: {shown}")
    return {"valid": not problems, "problems": problems}
