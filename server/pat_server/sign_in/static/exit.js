// Leaves at once, without a way back: the session ends behind her.
for (const form of document.querySelectorAll("form[data-exit]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    document.documentElement.hidden = true;
    navigator.sendBeacon(form.action, new URLSearchParams());
    location.replace(form.dataset.exit);
  });
}
