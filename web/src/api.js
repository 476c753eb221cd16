/** All that this page asks of the server. Every address is relative to the page's own origin. */

const MEDIA = "application/graphql-response+json, application/json;q=0.9";

/** The demo's people, or none: a server that is not a demo, or not on this computer, tells nobody. */
export async function demoPeople() {
  const answer = await fetch("/demo/people");
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  return answer.ok && isJson ? (await answer.json()).people : [];
}

/** An access token for a person of the demo. Throws an Error that says what to do. */
export async function demoToken(email) {
  const answer = await fetch(`/demo/people/${encodeURIComponent(email)}/token`, { method: "POST" });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.message);
  return said.token;
}

/** What the API answers to a request of GraphiQL, whatever its status. */
export async function ask(request, token) {
  const answer = await fetch("/graphql", {
    method: "POST",
    headers: {
      Accept: MEDIA,
      "Content-Type": "application/json",
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(request),
  });
  const body = await answer.text();
  try {
    return JSON.parse(body);
  } catch {
    throw new Error(`The server answered ${answer.status} and no JSON.`);
  }
}
