// Writes types and typed documents for operations.graphql into build/gql, from the committed SDL.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { buildASTSchema, parse } from 'graphql';

const folder = 'build/gql/';
const schema = parse(readFileSync('../../schema/schema.graphql', 'utf8'));
const operations = readFileSync('operations.graphql', 'utf8');

const sections = await preset.buildGeneratesSection({
  baseOutputDir: folder,
  schema,
  schemaAst: buildASTSchema(schema),
  documents: [{ location: 'operations.graphql', rawSDL: operations, document: parse(operations) }],
  config: {
    strictScalars: true,
    scalars: { Date: 'string', DateTime: 'string', UUID: 'string', Paise: 'number' },
    useTypeImports: true,
  },
  presetConfig: { fragmentMasking: false },
  plugins: [],
  pluginMap: {},
  pluginContext: {},
  profiler: { run: (fn) => fn(), collect: () => [] },
});

rmSync(folder, { recursive: true, force: true });
for (const section of sections) {
  const text = await codegen(section);
  mkdirSync(dirname(section.filename), { recursive: true });
  writeFileSync(section.filename, text);
}
