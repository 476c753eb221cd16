"use strict";

// WebAuthn speaks in bytes, forms in text: base64url without padding.
const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

const readable = (options) => {
  const read = { ...options, challenge: toBytes(options.challenge) };
  for (const name of ["allowCredentials", "excludeCredentials"]) {
    read[name] = (options[name] ?? []).map((known) => ({ ...known, id: toBytes(known.id) }));
  }
  if (options.user) read.user = { ...options.user, id: toBytes(options.user.id) };
  return read;
};

const written = ({ id, rawId, type, response }) => {
  const said = { clientDataJSON: toText(response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) said[name] = toText(response[name]);
  }
  if (response.getTransports) said.transports = response.getTransports();
  return JSON.stringify({ id, rawId: toText(rawId), type, response: said });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  const button = form.querySelector("button");
  const alert = form.querySelector("[role=alert]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    alert.hidden = true;
    try {
      const publicKey = readable(JSON.parse(form.dataset.passkey));
      const ask = "new" in form.dataset ? "create" : "get";
      form.elements.signed.value = written(await navigator.credentials[ask]({ publicKey }));
      // It does not come back here: no event is sent by it.
      form.submit();
    } catch {
      alert.hidden = false;
    } finally {
      button.disabled = false;
    }
  });
}
