/** What a server answers, as a value. Anything but a success is an error that says what came back. */
export async function main(
  url: string,
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE" = "GET",
  body: object | null = null,
  headers: object | null = null,
) {
  const answer = await fetch(url, {
    method,
    headers: {
      accept: "application/json",
      ...(body === null ? {} : { "content-type": "application/json" }),
      ...(headers as Record<string, string> | null ?? {}),
    },
    body: body === null ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`${method} ${url} answered ${answer.status}: ${text.slice(0, 500)}`);
  }
  if (text.trim() === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`${method} ${url} did not answer JSON: ${text.slice(0, 200)}`);
  }
}
