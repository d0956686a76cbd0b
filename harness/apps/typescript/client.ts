// Calls every operation of a service through its generated types and prints a summary.
import createClient from "openapi-fetch";

import type { components, paths } from "./service.js";

declare const process: { argv: string[] };

// The service may require a token.
const [, , baseUrl, token] = process.argv;
const headers = { Authorization: `Bearer ${token}` };
const client = createClient<paths>({ baseUrl: baseUrl ?? "", headers });

// Returns the body of a successful response.
function body<T>(response: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (response.data === undefined) {
    throw new Error(response.error?.detail ?? response.error?.title);
  }
  return response.data;
}

// A member that the document does not have would not compile.
const live: "ok" = body(await client.GET("/livez")).status;
const ready: "ok" | "degraded" = body(await client.GET("/readyz")).status;
const hello = body(await client.GET("/v1/hello", { params: { query: { name: "Zoë" } } }));
const pages = body(await client.GET("/v1/pages")).pages;
const primes = body(await client.POST("/v1/primes", { body: { numbers: [7, 9] } })).numbers;

const refused = await client.POST("/v1/primes", { body: { numbers: [-1] } });
if (refused.error === undefined) {
  throw new Error("A negative number was accepted.");
}
const problem: components["schemas"]["Problem"] = refused.error;

console.log(
  JSON.stringify({
    live,
    ready,
    message: hello.message,
    bytes: pages.map((page) => page.bytes ?? null),
    factors: primes.map((number) => (number.prime ? number.number : (number.factor ?? null))),
    refused: [problem.status, problem.title, Object.keys(problem.errors ?? {})],
  }),
);
