// A partner's program on generated types: it compiles only as long as the published schema is what it says.
import { ClientError, GraphQLClient } from 'graphql-request';

import { AddNoteDocument, CasesDocument, NoCaseDocument } from './build/gql/graphql.js';
import type { CaseInListFragment } from './build/gql/graphql.js';

declare const process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };

const { PAT_URL: url = '', PAT_TOKEN: token = '', PAT_MUTATION: clientMutationId = '' } = process.env;

const clientOf = (bearer: string) =>
  new GraphQLClient(url, { headers: bearer ? { authorization: `Bearer ${bearer}` } : {} });

async function codeOf(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ClientError) return error.response.errors?.[0]?.extensions.code;
    throw error;
  }
}

const client = clientOf(token);
const { cases } = await client.request(CasesDocument, { first: 2, filter: { status: ['ACTIVE'] } });
const listed: CaseInListFragment[] = cases.edges.map((edge) => edge.node);
const [first] = listed;
if (first === undefined) throw new Error('no case');
const { addCaseNote: added } = await client.request(AddNoteDocument, {
  input: { caseId: first.id, kind: 'PHONE_CALL', text: 'Called by a typed client.', clientMutationId },
});

// What a compiler must refuse, or else the types say nothing.
export const wrong = [
  // @ts-expect-error: a number is wanted
  () => client.request(CasesDocument, { first: 'two' }),
  // @ts-expect-error: there is no such status
  () => client.request(CasesDocument, { first: 2, filter: { status: ['SLEEPING'] } }),
  // @ts-expect-error: the fragment did not ask for it
  () => first.riskLevel,
];

process.stdout.write(
  JSON.stringify({
    codes: listed.map((each) => each.code),
    statuses: [...new Set(listed.map((each) => each.status))],
    added: added.__typename === 'CaseNote' ? [added.__typename, added.kind] : [added.code, added.message],
    mistaken: await codeOf(client.request(NoCaseDocument, { id: 'nonsense' })),
    nobody: await codeOf(clientOf('').request(CasesDocument, { first: 1 })),
  }),
);
