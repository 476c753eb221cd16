import { useEffect, useId, useRef, useState } from "react";
import { demoPeople, demoToken } from "./api.js";
import icon from "./icon.svg";

const NOBODY = { kind: "hint", text: "Not signed in" };

/** Who asks: one of the demo's people, or whoever a pasted token is for. */
export function SignIn({ onToken }) {
  const [people, setPeople] = useState([]);
  const [email, setEmail] = useState("");
  const [pasted, setPasted] = useState("");
  const [state, setState] = useState(NOBODY);
  const latest = useRef("");

  useEffect(() => {
    demoPeople().then(setPeople, () => setPeople([]));
  }, []);

  async function choose(chosen) {
    latest.current = chosen;
    setEmail(chosen);
    setPasted("");
    onToken("");
    if (!chosen) return setState(NOBODY);
    setState({ kind: "hint", text: "Signing in …" });
    try {
      const token = await demoToken(chosen);
      // Somebody else may have been chosen meanwhile, or a token pasted.
      if (latest.current !== chosen) return;
      onToken(token);
      const person = people.find((each) => each.email === chosen);
      setState({ kind: "done", text: `Signed in: ${person.role}, ${person.organisation}` });
    } catch (error) {
      if (latest.current === chosen) setState({ kind: "failed", text: error.message });
    }
  }

  function paste(token) {
    latest.current = "";
    setEmail("");
    setPasted(token);
    onToken(token.trim());
    setState(token.trim() ? { kind: "done", text: "Asking with the token" } : NOBODY);
  }

  return (
    <form className="sign-in" role="banner" onSubmit={(event) => event.preventDefault()}>
      <h1>
        <img src={icon} alt="" width="28" height="28" />
        Explorer
      </h1>
      {people.length > 0 && <p className="demo">Demo: everyone is invented</p>}
      {people.length > 0 && <People people={people} email={email} onChoose={choose} />}
      <Token value={pasted} onChange={paste} isAlternative={people.length > 0} />
      <p role="status" data-kind={state.kind}>
        {state.text}
      </p>
    </form>
  );
}

function People({ people, email, onChoose }) {
  const id = useId();
  const byOrganisation = grouped(people, (each) => each.organisation);
  return (
    <div className="field">
      <label htmlFor={id}>Ask as</label>
      <select id={id} value={email} onChange={(event) => onChoose(event.target.value)}>
        <option value="">Choose a person …</option>
        {[...byOrganisation].map(([organisation, members]) => (
          <optgroup key={organisation} label={organisation}>
            {members.map((each) => (
              <option key={each.email} value={each.email}>
                {each.email}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </div>
  );
}

function Token({ value, onChange, isAlternative }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{isAlternative ? "or with a token" : "Access token"}</label>
      <input
        id={id}
        // Not shown, and never offered to a password manager.
        type="password"
        autoComplete="off"
        data-1p-ignore=""
        data-lpignore="true"
        spellCheck={false}
        placeholder={isAlternative ? "or a token" : "paste it here"}
        value={value}
        onChange={(event) => onChange(event.target.value)}
      />
    </div>
  );
}

function grouped(items, key) {
  const groups = new Map();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return groups;
}
