import { GraphiQL } from "graphiql";
import { useCallback, useRef, useState } from "react";
import { ask } from "./api.js";
import { FIRST_LOOK } from "./first-look.js";
import { memoryStorage } from "./memory.js";
import { SignIn } from "./sign-in.jsx";

const storage = memoryStorage();

/** The bar in which one signs in, and GraphiQL below it. The token lives in this component and nowhere else. */
export function Page() {
  const token = useRef("");
  const [isSignedIn, setSignedIn] = useState(false);

  const signIn = useCallback((given) => {
    token.current = given;
    setSignedIn(Boolean(given));
  }, []);

  // Stable, so that GraphiQL asks for the schema once and not with every token: it is the same for everyone.
  const fetcher = useCallback((request) => ask(request, token.current), []);

  return (
    <>
      <SignIn onToken={signIn} />
      <main>
        <GraphiQL
          fetcher={fetcher}
          // Null means: do not ask for it. Nobody may look around without a token.
          schema={isSignedIn ? undefined : null}
          defaultQuery={FIRST_LOOK}
          storage={storage}
          shouldPersistHeaders={false}
          isHeadersEditorEnabled={false}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
        </GraphiQL>
      </main>
    </>
  );
}
