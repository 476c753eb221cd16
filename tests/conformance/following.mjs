// Follows referrals from token to token: what changed meanwhile is told, because the cursor of the last event goes along.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const { PAT_URL: url, PAT_TOKENS: tokens, PAT_EVENTS: wanted } = process.env;
const CHANGES = `subscription Changes($after: String) {
  referralChanged(after: $after) { cursor referral { id status urgency } }
}`;

// Yours asks the token endpoint with the refresh token.
const fresh = tokens.split(' ');
const freshToken = async () => fresh.shift();

async function* changes(after = null) {
  for (;;) {
    const socket = createClient({
      url: url.replace(/^http/, 'ws'),
      webSocketImpl: WebSocket,
      connectionParams: async () => ({ authorization: `Bearer ${await freshToken()}` }),
    });
    try {
      for await (const { data } of socket.iterate({ query: CHANGES, variables: { after } })) {
        after = data.referralChanged.cursor;
        yield data.referralChanged.referral;
      }
    } catch (problem) {
      // The token has expired, or the session is over: then there is no other token.
      if (problem.code !== 4401) throw problem;
    } finally {
      await socket.dispose();
    }
  }
}

const told = [];
for await (const referral of changes()) {
  told.push(referral.urgency);
  if (told.length === Number(wanted)) break;
}
process.stdout.write(JSON.stringify(told));
