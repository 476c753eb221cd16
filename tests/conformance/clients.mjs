// Asks the server at PAT_URL with the clients that partners use, as the bearer of PAT_TOKEN; prints what each was told.
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { ClientError, GraphQLClient } from 'graphql-request';

const { PAT_URL: url, PAT_TOKEN: token } = process.env;
const CASES = `query Cases($first: Int!) { cases(first: $first) { totalCount edges { node { id code } } } }`;
const NO_CASE = `query NoCase($id: ID!) { case(id: $id) { code } }`;
const ADD_NOTE = `mutation AddNote($input: AddCaseNoteInput!) {
  addCaseNote(input: $input) { __typename ... on CaseNote { id kind } ... on Problem { code message } }
}`;

const note = (caseId) => ({
  input: { caseId, kind: 'PHONE_CALL', text: 'Called by a client.', clientMutationId: process.env.PAT_MUTATION },
});

const headersOf = (bearer) => (bearer ? { authorization: `Bearer ${bearer}` } : {});

// Each client becomes a function of a document and its variables: to data, or to the code of the one error.
const clients = {
  // By itself it sends queries by GET, which only a server to look around in answers.
  'urql, getting': (bearer) => urql(bearer, {}),
  urql: (bearer) => urql(bearer, { preferGetMethod: false }),
  apollo(bearer) {
    const link = new HttpLink({ uri: url, headers: headersOf(bearer) });
    const client = new ApolloClient({ link, cache: new InMemoryCache(), devtools: { enabled: false } });
    return async (document, variables) => {
      try {
        const sent =
          document === ADD_NOTE
            ? client.mutate({ mutation: gql(document), variables })
            : client.query({ query: gql(document), variables });
        return (await sent).data;
      } catch (error) {
        if (CombinedGraphQLErrors.is(error)) return onlyCode(error.errors);
        throw error;
      }
    };
  },
  'graphql-request'(bearer) {
    const client = new GraphQLClient(url, { headers: headersOf(bearer) });
    return async (document, variables) => {
      try {
        return await client.request(document, variables);
      } catch (error) {
        if (error instanceof ClientError) return onlyCode(error.response.errors);
        throw error;
      }
    };
  },
};

function urql(bearer, options) {
  const fetchOptions = { headers: headersOf(bearer) };
  const client = new Client({ url, exchanges: [fetchExchange], fetchOptions, ...options });
  return async (document, variables) => {
    const send = document === ADD_NOTE ? client.mutation : client.query;
    const { data, error } = await send.call(client, document, variables).toPromise();
    return error ? onlyCode(error.graphQLErrors) : data;
  };
}

function onlyCode(errors) {
  if (errors.length !== 1) throw new Error(`expected one error, got ${errors.length}`);
  return errors[0].extensions.code;
}

const told = {};
for (const [name, make] of Object.entries(clients)) {
  const ask = make(token);
  const cases = (await ask(CASES, { first: 2 })).cases;
  const added = (await ask(ADD_NOTE, note(cases.edges[0].node.id))).addCaseNote;
  told[name] = {
    codes: cases.edges.map((edge) => edge.node.code),
    added: [added.__typename, added.kind],
    mistaken: await ask(NO_CASE, { id: 'nonsense' }),
    nobody: await make(null)(CASES, { first: 1 }),
  };
}
process.stdout.write(JSON.stringify(told));
