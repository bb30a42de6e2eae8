/** Puts values in place of {{ name }} and {{ person.name }}. A name without a value is an error, unless `missing` says what to put. */
export function main(template: string, values: object, missing: string | null = null) {
  return template.replace(/\{\{\s*([\w.$-]+)\s*\}\}/g, (_all, path: string) => {
    let found: unknown = values;
    for (const key of path.split(".")) {
      found = found !== null && typeof found === "object" && Object.hasOwn(found, key)
        ? (found as Record<string, unknown>)[key]
        : undefined;
    }
    if (found === undefined || found === null) {
      if (missing !== null) return missing;
      throw new Error(`There is no value for {{ ${path} }}`);
    }
    return typeof found === "object" ? JSON.stringify(found) : String(found);
  });
}
