// JSON Schema validation for forms without code generation (the page's security policy forbids eval): an adapter from
// @cfworker/json-schema to the validator that @rjsf/core expects, with messages in words of the person who fills the form.
import { Validator } from "@cfworker/json-schema";
import { createErrorHandler, toErrorList, toErrorSchema, unwrapErrorHandler, validationDataMerge } from "@rjsf/utils";

// Keywords that only say "something inside failed": the inner error is the one to show.
const WRAPPERS = new Set(["properties", "items", "prefixItems", "additionalProperties", "allOf", "$ref", "then", "else", "if", "dependentSchemas", "propertyNames", "patternProperties"]);
const NOUNS = { string: "text", number: "a number", integer: "a whole number", boolean: "yes or no", object: "an object", array: "a list", null: "empty" };

/** `passes(value)` tells of a value that it is right at its place, whatever the schema says of it. */
export function createValidator(passes = () => false) {
  return {
    isValid(schema, value, root) {
      try {
        return check(withDefinitions(schema, root), value).length === 0;
      } catch {
        return false;
      }
    },
    rawValidation: (schema, value) => ({ errors: errorsOf(schema, value, passes) }),
    validateFormData(value, schema, customValidate, transformErrors, uiSchema) {
      let errors;
      try {
        errors = errorsOf(schema, value, passes);
      } catch (error) {
        errors = [{ name: "schema", property: "", message: `The form's schema is not valid: ${error.message}`, stack: String(error.message) }];
      }
      if (transformErrors) errors = transformErrors(errors, uiSchema);
      const found = { errors, errorSchema: toErrorSchema(errors) };
      if (!customValidate) return found;
      const own = unwrapErrorHandler(customValidate(value, createErrorHandler(value), uiSchema));
      return validationDataMerge(found, own);
    },
    toErrorList,
    reset() {},
  };
}

const withDefinitions = (schema, root) => (root && typeof schema === "object" ? { ...schema, $defs: root.$defs, definitions: root.definitions } : schema);

function check(schema, value) {
  const result = new Validator(schema, "2020-12", false).validate(value === undefined ? null : value);
  return result.valid ? [] : result.errors;
}

/** Errors in @rjsf's form, innermost ones only, each at the field it belongs to. */
export function errorsOf(schema, value, passes = () => false) {
  const found = [];
  for (const error of check(schema, value)) {
    if (WRAPPERS.has(error.keyword)) continue;
    const path = pointerPath(error.instanceLocation);
    if (path.length && passes(at(value, path))) continue;
    if (error.keyword === "required") {
      const missing = /property "(.+?)"/.exec(error.error)?.[1];
      if (missing !== undefined) path.push(missing);
    }
    const message = say(error, schemaAt(schema, error.keywordLocation), schemaAt(schema, parentPointer(error.keywordLocation)));
    const property = path.map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`)).join("");
    if (!found.some((one) => one.property === property)) found.push({ name: error.keyword, property, message, stack: `${path.join(" › ") || "Form"}: ${message}` });
  }
  return found;
}

const pointerPath = (pointer) => pointer.split("/").slice(1).map((part) => decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~"));
const parentPointer = (pointer) => pointer.slice(0, pointer.lastIndexOf("/"));

const schemaAt = (schema, pointer) => at(schema, pointerPath(pointer));

function at(value, path) {
  return path.reduce((held, key) => (held && typeof held === "object" ? held[key] : undefined), value);
}

function say(error, limit, holder) {
  switch (error.keyword) {
    case "required": return "Needed.";
    case "type": return `Must be ${[limit].flat().map((type) => NOUNS[type] || type).join(" or ")}.`;
    case "enum": return "Choose one of the values offered.";
    case "const": return `Must be ${JSON.stringify(limit)}.`;
    case "minimum": return `Must be ${limit} or more.`;
    case "maximum": return `Must be ${limit} or less.`;
    case "exclusiveMinimum": return `Must be more than ${limit}.`;
    case "exclusiveMaximum": return `Must be less than ${limit}.`;
    case "multipleOf": return `Must be a multiple of ${limit}.`;
    case "minLength": return limit === 1 ? "Must not be empty." : `Must have ${limit} characters or more.`;
    case "maxLength": return `Must have ${limit} characters or fewer.`;
    case "minItems": return `Needs ${limit} or more.`;
    case "maxItems": return `Takes ${limit} or fewer.`;
    case "uniqueItems": return "Must not hold the same value twice.";
    case "pattern": return holder?.patternError || `Must match ${limit}.`;
    case "format": return { email: "Must be a mail address, such as ada@example.org.", date: "Must be a date.", "date-time": "Must be a date and time.", time: "Must be a time.", uri: "Must be an address, such as https://example.org." }[limit] || `Must be a valid ${limit}.`;
    case "oneOf": case "anyOf": return "Does not match any of the forms offered.";
    case "false": return "Is not allowed here.";
    default: return error.error;
  }
}
