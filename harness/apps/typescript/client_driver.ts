// Calls a service by the types that were generated from its document; prints what it read.
import createClient from "openapi-fetch";

import type { components, paths } from "./service.js";

declare const process: { argv: string[] };

const client = createClient<paths>({ baseUrl: process.argv[2] ?? "" });

// Each of these is typed: a member that the document does not have would not compile.
function good<T>(answer: { data?: T; error?: components["schemas"]["Problem"] }): T {
  if (answer.data === undefined) {
    throw new Error(answer.error?.detail ?? answer.error?.title);
  }
  return answer.data;
}

const live: "ok" = good(await client.GET("/livez")).status;
const ready: "ok" | "degraded" = good(await client.GET("/readyz")).status;
const hello = good(await client.GET("/v1/hello", { params: { query: { name: "Zoë" } } }));
const pages = good(await client.GET("/v1/pages")).pages;
const primes = good(await client.POST("/v1/primes", { body: { numbers: [7, 9] } })).numbers;

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
