// Follows referrals as several people at once, each on a socket of her own: the bearers of PAT_TOKENS, at PAT_URL, with PAT_QUERY.
// Prints a line of JSON for each event, and one for each that ended; goes on until its input ends.
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const { PAT_URL: url, PAT_TOKENS: tokens, PAT_QUERY: query } = process.env;
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const follow = async (token, who) => {
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: () => ({ authorization: `Bearer ${token}` }),
    on: { connected: () => say({ who, connected: true }) },
  });
  try {
    for await (const { data, errors } of socket.iterate({ query })) say({ who, data, errors });
  } catch (problem) {
    say({ who, ended: Array.isArray(problem) ? problem[0].extensions.code : problem.code });
  }
};

tokens.split(' ').forEach(follow);
process.stdin.resume().on('end', () => process.exit());
