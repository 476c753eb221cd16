// The bench's database served by PostGraphile 5, as its documentation sets it up for production.
//
//   BENCH_DATABASE_URL=… node server.mjs PORT
//
// The caller comes in two headers, already verified: which login, under which session. Both become settings of each
// transaction, so that row security sees what it sees behind the platform.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const pgSettings = (request) => ({
  session_authorization: request.headers["x-login"],
  "pat.session": request.headers["x-session"],
});

const preset = {
  extends: [PostGraphileAmberPreset],
  disablePlugins: ["NodePlugin", "PgIndexBehaviorsPlugin"],
  pgServices: [
    makePgService({
      connectionString: process.env.BENCH_DATABASE_URL,
      schemas: ["app"],
      poolConfig: { max: 10 },
    }),
  ],
  grafast: {
    explain: false,
    context: (request) => ({ pgSettings: pgSettings(request.node.req) }),
  },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false },
};

const served = postgraphile(preset).createServ(grafserv);
const server = createServer();
await served.addTo(server);
server.listen(Number(process.argv[2]), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
