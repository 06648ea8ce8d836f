// Says whether the console is there: it may have ended, or be out of reach.
function setLost(isLost) {
  const notice = document.getElementById("lost");
  if (notice) notice.hidden = !isLost;
}
document.addEventListener("htmx:error", () => setLost(true));
document.addEventListener("htmx:sse:error", () => setLost(true));
document.addEventListener("htmx:after:request", () => setLost(false));
document.addEventListener("htmx:sse:after:connection", () => setLost(false));

// Cells are sent only where they were changed here: the others may have been changed in another window.
const isCell = (input) => input?.form?.id === "plan" && input.type !== "hidden";
const unchanged = () => [...document.querySelectorAll("#grid :is(input, textarea)")].filter((input) => isCell(input) && input.value === input.defaultValue);
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (!ctx.sourceElement.closest?.("#grid")) return;
  for (const input of unchanged()) ctx.request.body.delete(input.name);
  ctx.cells = [...ctx.request.body];
});
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.id === "plan") for (const input of unchanged()) formData.delete(input.name);
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (!ctx.cells || !ctx.response?.raw?.ok) return;
  for (const [name, value] of ctx.cells) {
    const input = document.querySelector(`#grid [name="${name}"]`);
    if (isCell(input)) input.defaultValue = value;
  }
});

// A cell that has become right, or wrong, is that to a screen reader too.
document.addEventListener("htmx:after:settle", () => {
  for (const input of document.querySelectorAll("#grid td :is(input, textarea)")) {
    const fault = document.getElementById(input.id.replace("i", "e"));
    if (fault?.textContent) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
});
