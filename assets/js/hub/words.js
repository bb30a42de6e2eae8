// How a hub and the inputs of its scripts are called.

/** Where a script comes from, in a few words: `hub` is the name that the server's messages use. */
export const originWords = (origin, hub) => ({ starter: "Starter hub", folder: "Folder of the server", http: hub.replace(/^the hub (https?:\/\/)?/, "") })[origin];

/** The page of a script. */
export const pageOf = (path) => `/hub/p/${path.split("/").slice(1).map(encodeURIComponent).join("/")}`;

/** What an input takes, for people: "text", "list of numbers", "one of a, b". */
export function takes(field) {
  if (field?.enum) return `one of ${field.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (field?.format?.startsWith("resource-")) return `resource ${field.format.slice(9)}`;
  const types = [field?.type].flat().filter(Boolean);
  if (!types.length) return "anything";
  return types.map((type) => (type === "array" && field.items?.type ? `list of ${MANY[field.items.type] ?? field.items.type}` : ONE[type] ?? type)).join(" or ");
}

const ONE = { string: "text", integer: "whole number", number: "number", boolean: "yes or no", object: "object", array: "list", null: "nothing" };
const MANY = { string: "texts", integer: "whole numbers", number: "numbers", boolean: "yes or no", object: "objects", array: "lists" };
