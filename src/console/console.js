// Says whether the console is there: it may have ended, be out of reach or not answer.
const lost = { request: false, silence: false };
function setLost(why, isLost) {
  lost[why] = isLost;
  const notice = document.getElementById("lost");
  if (notice) notice.hidden = !(lost.request || lost.silence);
}
document.addEventListener("htmx:error", () => setLost("request", true));
document.addEventListener("htmx:sse:error", () => setLost("request", true));
document.addEventListener("htmx:after:request", () => setLost("request", false));
document.addEventListener("htmx:sse:after:connection", () => setLost("request", false));

// A process that is frozen keeps its connections and answers nothing: it is noticed within three seconds.
const ALIVE_EVERY = 1000;
const ALIVE_WITHIN = 1800;
const alive = new URL("alive", document.querySelector("link[rel=icon]").href);
async function ask() {
  if (!document.hidden) {
    const answer = await fetch(alive, { signal: AbortSignal.timeout(ALIVE_WITHIN) }).catch(() => null);
    setLost("silence", !answer?.ok);
  }
  setTimeout(ask, ALIVE_EVERY);
}
setTimeout(ask, ALIVE_EVERY);

// Cells are sent only where they were changed here: the others may have been changed in another window.
const CELLS = "#grid :is(input, textarea, select)";
const isCell = (input) => input?.form?.id === "plan" && input.type !== "hidden";
const known = (input) => input.dataset.value ?? input.defaultValue;
const unchanged = () => [...document.querySelectorAll(CELLS)].filter((input) => isCell(input) && input.value === known(input));
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  if (!ctx.sourceElement.closest?.("#grid")) return;
  for (const input of unchanged()) ctx.request.body?.delete?.(input.name);
  ctx.cells = [...(ctx.request.body ?? [])];
});
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.id === "plan") for (const input of unchanged()) formData.delete(input.name);
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  if (!ctx.cells || !ctx.response?.raw?.ok) return;
  for (const [name, value] of ctx.cells) {
    const input = document.querySelector(`#grid [name="${name}"]`);
    if (!isCell(input)) continue;
    if (input.dataset.value === undefined) input.defaultValue = value;
    else input.dataset.value = value;
  }
});

// What was typed and not sent yet is sent before the page is left. The next request may be answered first, so a
// page that is reloaded restores it.
const STORED = "typed";
const sent = new Map();
function sendTyped() {
  const isTyped = (input) => isCell(input) && input.value !== known(input) && input.value !== sent.get(input);
  const typed = [...document.querySelectorAll(CELLS)].filter(isTyped);
  for (const row of new Set(typed.map((input) => input.closest("tbody")))) {
    const body = new URLSearchParams();
    for (const input of row.querySelectorAll("[name]:not(button)")) {
      if (!isCell(input) || typed.includes(input)) body.append(input.name, input.value);
    }
    fetch(row.getAttribute("hx-post"), { method: "POST", body, keepalive: true });
  }
  for (const input of typed) sent.set(input, input.value);
  const cells = typed.map((input) => [input.id, known(input), input.value]);
  if (cells.length) sessionStorage.setItem(STORED, JSON.stringify({ page: location.href, cells }));
}
for (const event of ["beforeunload", "pagehide"]) addEventListener(event, sendTyped);
// htmx listens to the cells only after this event.
document.addEventListener("htmx:after:process", () => {
  const { page, cells } = JSON.parse(sessionStorage.getItem(STORED) ?? "{}");
  sessionStorage.removeItem(STORED);
  if (page !== location.href) return;
  for (const [id, before, value] of cells) {
    const input = document.getElementById(id);
    // Any other value is newer.
    if (!isCell(input) || known(input) !== before) continue;
    input.value = value;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }
}, { once: true });

// A cell that has become right, or wrong, is that to a screen reader too.
document.addEventListener("htmx:after:settle", () => {
  for (const input of document.querySelectorAll(CELLS)) {
    if (!isCell(input)) continue;
    const fault = document.getElementById("e" + input.id.slice(1));
    if (fault?.textContent) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
});

// A note that is not sent yet survives a filter and a reload.
const NOTE = "form input[name=note]";
const noteOf = ({ form }) => `note of ${form.querySelector("input[name=run]")?.value ?? form.action}`;
document.addEventListener("input", ({ target }) => {
  if (target.matches?.(NOTE)) sessionStorage.setItem(noteOf(target), target.value);
});
function keepNotes() {
  for (const input of document.querySelectorAll(NOTE)) input.value ||= sessionStorage.getItem(noteOf(input)) ?? "";
}
for (const event of ["DOMContentLoaded", "htmx:after:settle"]) document.addEventListener(event, keepNotes);

// Enter goes to the next cell of the list.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.tagName === "TEXTAREA" || !event.target.matches?.(CELLS) || !isCell(event.target)) return;
  event.preventDefault();
  const cells = [...document.querySelectorAll(CELLS)].filter(isCell);
  const after = cells.slice(cells.indexOf(event.target) + 1);
  (after.find((input) => input.matches("[aria-invalid]")) ?? after[0])?.focus();
});

// A suggested value is typed in, as by hand.
document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("button.suggest");
  if (!button) return;
  const input = document.getElementById(button.dataset.for);
  input.value = button.dataset.value;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  input.focus();
});

// The title shows the progress. A notification reports the end, if it was requested.
const title = document.title;
let isTold = false;
const follow = () => {
  const news = document.getElementById("news");
  if (!news) return;
  // A plan that is ready is a page of its own.
  if (news.dataset.go) return location.replace(news.dataset.go);
  document.title = news.dataset.title ? `${news.dataset.title} – ${title}` : title;
  const ask = document.getElementById("notify");
  if (ask && "Notification" in window) ask.hidden = Notification.permission !== "default" || Boolean(news.dataset.end);
  if (!news.dataset.end || isTold) return;
  isTold = true;
  if (document.hidden && "Notification" in window && Notification.permission === "granted") new Notification(news.dataset.end);
};
for (const event of ["htmx:after:settle", "DOMContentLoaded"]) document.addEventListener(event, follow);
document.addEventListener("click", ({ target }) => {
  if (target.id === "notify") Notification.requestPermission().then(follow);
});

// Counts on the page of an undo follow the ticks.
function countTicks() {
  const boxes = [...document.querySelectorAll("input[type=checkbox][form=answer]")];
  const changed = boxes.reduce((sum, box) => sum + box.checked - box.defaultChecked, 0);
  const { format } = new Intl.NumberFormat(document.documentElement.lang);
  let count = 0;
  for (const text of document.querySelectorAll("[data-chosen]")) {
    const { chosen, one, other, none } = text.dataset;
    count = Number(chosen) + changed;
    text.textContent = ((count === 0 && none) || (count === 1 ? one : other)).replace("#", format(count));
    if (text.tagName === "H1") document.title = `${text.textContent} – rosterpatch`;
  }
  for (const text of document.querySelectorAll("[data-some]")) text.hidden = count === 0;
  // `data-over` is the number of people that a button must exceed.
  for (const button of document.querySelectorAll("[data-over]")) button.disabled = count <= Number(button.dataset.over);
}
for (const event of ["change", "pageshow"]) addEventListener(event, countTicks);

// Copies a text for somebody else.
document.addEventListener("click", ({ target }) => {
  const text = document.getElementById(target.dataset?.copy ?? "");
  if (!text) return;
  text.select();
  navigator.clipboard?.writeText(text.value);
});
