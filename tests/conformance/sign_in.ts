// A partner's program in TypeScript: its person signs in with her browser, and it asks the first question.
// PAT_ISSUER says where the server is, PAT_CLIENT_ID what it calls this program.
import { createServer } from 'node:http';

import * as oauth from 'oauth4webapi';

const {
  PAT_ISSUER = 'http://127.0.0.1:8000',
  PAT_CLIENT_ID = '2ba678f3-d490-4711-968d-72ddf23ab802',
  PAT_REDIRECT_URI = 'http://127.0.0.1:8765/callback',
} = process.env;

const issuer = new URL(PAT_ISSUER);
// The demo alone is asked without https.
const options = { [oauth.allowInsecureRequests]: issuer.protocol === 'http:' };
const client: oauth.Client = { client_id: PAT_CLIENT_ID };

/** The address with which her browser comes back to us. */
function comeBack(): Promise<URL> {
  const place = new URL(PAT_REDIRECT_URI);
  return new Promise((resolve) => {
    const server = createServer((request, response) => {
      response.end('You may close this page.');
      const came = new URL(request.url ?? '/', place);
      if (came.pathname !== place.pathname) return;
      server.close();
      server.closeAllConnections();
      resolve(came);
    }).listen(Number(place.port), place.hostname);
  });
}

const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));

const [state, nonce, verifier] = [
  oauth.generateRandomState(),
  oauth.generateRandomNonce(),
  oauth.generateRandomCodeVerifier(),
];
const address = new URL(server.authorization_endpoint ?? '');
address.search = new URLSearchParams({
  response_type: 'code',
  client_id: client.client_id,
  redirect_uri: PAT_REDIRECT_URI,
  scope: 'openid cases',
  state,
  nonce,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
}).toString();
console.error(`Open this in your browser: ${address}`);

const answer = oauth.validateAuthResponse(server, client, await comeBack(), state);
const tokens = await oauth.processAuthorizationCodeResponse(
  server,
  client,
  await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.None(),
    answer,
    PAT_REDIRECT_URI,
    verifier,
    options,
  ),
  { expectedNonce: nonce, requireIdToken: true },
);

async function ask(token: string): Promise<Response> {
  return fetch(new URL('/graphql', issuer), {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ me { name role organisation { name } } }' }),
  });
}

async function me(token: string): Promise<unknown> {
  const response = await ask(token);
  const { data } = (await response.json()) as { data: { me: unknown } };
  return data.me;
}

const first = await me(tokens.access_token);
// An access token lives for five minutes; with the refresh token she need not sign in again.
const refreshed = await oauth.processRefreshTokenResponse(
  server,
  client,
  await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token ?? '', options),
);
const again = await me(refreshed.access_token);

// She signs out of this program: its session ends.
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, oauth.None(), refreshed.refresh_token ?? '', options),
);
const afterwards = (await ask(refreshed.access_token)).status;

const role = oauth.getValidatedIdTokenClaims(tokens)?.role;
console.log(JSON.stringify({ role, me: first, again, afterwards }));
