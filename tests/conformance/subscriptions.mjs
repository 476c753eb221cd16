// Subscribes with the clients that partners use, as the bearer of PAT_TOKEN, at PAT_URL; prints what each was told.
import { Client as UrqlClient, fetchExchange, subscriptionExchange } from '@urql/core';
import { ApolloClient, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';

const { PAT_URL: url, PAT_TOKEN: token } = process.env;
// Browsers have one, and Node from version 22 on.
globalThis.WebSocket ??= WebSocket;
const INBOX = `subscription { inboxCount { total } }`;

const connection = (bearer) =>
  createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    // Asked before each connection: by then the token before may have expired.
    connectionParams: () => ({ authorization: `Bearer ${bearer}` }),
  });

// Each client becomes a function of a document: to the first event's data, or to the code of the error.
const clients = {
  'graphql-ws'(socket) {
    return async (query) => {
      try {
        for await (const { data } of socket.iterate({ query })) return data;
      } catch (problem) {
        return told(problem);
      }
    };
  },
  urql(socket) {
    const client = new UrqlClient({
      url,
      preferGetMethod: false,
      exchanges: [
        fetchExchange,
        subscriptionExchange({
          forwardSubscription: ({ query, variables }) => ({
            subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
          }),
        }),
      ],
    });
    return (query) =>
      new Promise((resolve) => {
        const { unsubscribe } = client.subscription(query, {}).subscribe(({ data, error }) => {
          resolve(error ? error.graphQLErrors[0].extensions.code : data);
          setTimeout(() => unsubscribe());
        });
      });
  },
  apollo(socket) {
    const client = new ApolloClient({
      link: new GraphQLWsLink(socket),
      cache: new InMemoryCache(),
      devtools: { enabled: false },
    });
    return (query) =>
      new Promise((resolve) => {
        const running = client.subscribe({ query: gql(query) }).subscribe(({ data, error }) => {
          resolve(error ? error.errors[0].extensions.code : data);
          setTimeout(() => running.unsubscribe());
        });
      });
  },
};

const told = (problem) => (Array.isArray(problem) ? problem[0].extensions.code : problem.code);

const found = {};
for (const [name, make] of Object.entries(clients)) {
  const socket = connection(token);
  const ask = make(socket);
  const { inboxCount } = await ask(INBOX);
  found[name] = { total: inboxCount.total, mistaken: await ask(`subscription { referralChanged(after: "x") { id } }`) };
  await socket.dispose();
}
const stranger = connection('nonsense');
found.stranger = await clients['graphql-ws'](stranger)(INBOX);
await stranger.dispose();
process.stdout.write(JSON.stringify(found));
