// A second OpenID provider, of an organisation's own: real, on loopback, with two people in it.
// It prints its address; PROVIDER_PORT, PROVIDER_CLIENT, PROVIDER_SECRET and PROVIDER_BACK say how it is known.
import Provider from "oidc-provider";

const { PROVIDER_PORT, PROVIDER_CLIENT, PROVIDER_SECRET, PROVIDER_BACK } = process.env;
const issuer = `http://127.0.0.1:${PROVIDER_PORT}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: PROVIDER_CLIENT,
      client_secret: PROVIDER_SECRET,
      redirect_uris: [PROVIDER_BACK],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  pkce: { required: () => true },
  claims: { openid: ["sub"], acr: null, amr: null, auth_time: null },
  cookies: { keys: ["a key that signs nothing of worth"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});

// Whoever comes is asked for nothing but her name: /interaction/UID?as=NAME.
provider.use(async (context, next) => {
  if (!context.path.startsWith("/interaction/")) return next();
  const { prompt, params, session } = await provider.interactionDetails(context.req, context.res);
  if (prompt.name === "login") {
    const login = { accountId: context.query.as ?? "asha", amr: ["pwd"] };
    return provider.interactionFinished(context.req, context.res, { login });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(prompt.details.missingOIDCScope?.join(" ") ?? "");
  await provider.interactionFinished(context.req, context.res, { consent: { grantId: await grant.save() } });
});

provider.listen(Number(PROVIDER_PORT), "127.0.0.1", () => console.log(issuer));
