// Walks through the console in Chromium as a user who corrects and sends a roster, with an accessibility
// check of each page. Prints its findings as JSON. Arguments: the address that opens the console, the walk,
// and an optional folder for screenshots.
"use strict";
const { chromium } = require("playwright-core");
const fs = require("fs");
const path = require("path");

const [, , address, what, pictures] = process.argv;
const origin = new URL(address).origin;
// The path prefix of the pages, set once the console is open.
let home;
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const found = { errors: [], strangers: [], barriers: [], overflow: [], large: [], words: [], steps: {} };
let page;

async function open(context) {
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && found.errors.push(message.text()));
  page.on("pageerror", (error) => found.errors.push(String(error)));
  page.on("request", (request) => new URL(request.url()).origin !== origin && found.strangers.push(request.url()));
  page.on("response", async (response) => {
    if (!(response.headers()["content-type"] ?? "").includes("text/html")) return;
    const body = await response.body().catch(() => "");
    if (body.length > 200_000) found.large.push(`${response.url()}: ${body.length}`);
  });
  return page;
}

// Returns the text of a page, without values from the roster and closed details.
async function words() {
  return page.evaluate(() => {
    const quoted = [...document.querySelectorAll(".quoted, #grid td:nth-child(-n + 5), option, .chips a, del, ins")];
    const before = quoted.map((element) => element.style.display);
    for (const element of quoted) element.style.display = "none";
    const text = document.body.innerText;
    quoted.forEach((element, at) => (element.style.display = before[at]));
    return text;
  });
}

// Checks the current page in light and dark mode, wide and as narrow as a phone.
async function look(name) {
  await page.evaluate(axe);
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await page.evaluate(() => axe.run());
    for (const { id, nodes } of violations) found.barriers.push(`${name}, ${colorScheme}: ${id}: ${nodes[0].html}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  if (process.env.CONSOLE_VIEWS) await views(name);
  if (pictures) await page.screenshot({ path: path.join(pictures, `console-${name}.png`) });
  await page.setViewportSize({ width: 320, height: 700 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  if (wide > 0) found.overflow.push(`${name}: ${wide}`);
  // A phone's width less a scrollbar.
  await page.setViewportSize({ width: 305, height: 700 });
  const cut = await page.locator("#steps li > *").evaluateAll((steps) =>
    steps.filter((step) => step.scrollWidth > step.clientWidth).map((step) => step.textContent),
  );
  const broken = await brokenIn("#steps li > * > *");
  for (const text of [...cut, ...broken]) found.overflow.push(`${name}: ${text}`);
  await page.setViewportSize({ width: 1280, height: 800 });
  found.words.push([name, await words()]);
}

// Returns the words in elements that are broken over two lines.
async function brokenIn(selector) {
  return page.locator(selector).evaluateAll((elements) =>
    elements.flatMap((element) => {
      const text = element.firstChild;
      const words = text instanceof Text ? [...text.data.matchAll(/[^\s-]+/g)] : [];
      const lines = ({ 0: word, index }) => {
        const range = document.createRange();
        range.setStart(text, index);
        range.setEnd(text, index + word.length);
        return range.getClientRects().length;
      };
      return words.filter((word) => lines(word) > 1).map(([word]) => word);
    }),
  );
}

// Pictures of a page as it stands: narrow, medium and wide, light and dark.
async function views(name) {
  const lang = await page.locator("html").getAttribute("lang");
  for (const width of [320, 768, 1280]) {
    await page.setViewportSize({ width, height: 800 });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const file = path.join(process.env.CONSOLE_VIEWS, `${name}-${lang}-${width}-${colorScheme}.png`);
      await page.screenshot({ path: file, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light" });
}

const text = (selector) => page.locator(selector).first().innerText();
const press = (selector) => page.locator(selector).first().click();
const cell = (line, header, on = page) => on.locator(`#grid [aria-label="${header}, ${line}"]`);

// Types or selects a cell's value, and waits until the row has been checked.
async function mend(line, header, value) {
  const checked = page.waitForResponse((response) => response.url().includes("/problems/row"));
  const input = cell(line, header);
  if ((await input.evaluate((input) => input.tagName)) === "SELECT") await input.selectOption(value);
  else await input.fill(value);
  await checked;
}

// Expands the cells of a row that are not listed.
async function whole(row, on = page) {
  const shown = on.waitForResponse((response) => response.url().includes("/problems/whole"));
  await on.locator(`#r${row} .do a`).click();
  await shown;
  await on.waitForSelector(`#x${row} .whole`);
}

async function planned() {
  await page.waitForURL((url) => /\/(plan|undo)$/.test(url.pathname));
  await page.waitForSelector("form.answer");
}

async function ended() {
  await page.waitForURL(`${home}/run`);
  await page.waitForSelector('#live a.button[href*="/runs/"]');
  return text("#live .states");
}

const walks = {
  // A roster from opening the file to undoing its run.
  async whole(context) {
    found.steps.read = await text("main p");
    await look("file");
    await page.selectOption("select[name=delimiter]", "comma");
    await press("form[action$='/file'] button");
    found.steps.commas = await page.locator("main table thead th").count();
    await page.selectOption("select[name=delimiter]", "semicolon");
    await press("form[action$='/file'] button");
    await press(".next a.button");
    await page.waitForURL(`${home}/columns`);

    found.steps.columns = await page.locator("tbody tr").count();
    await look("columns");
    await page.check("input[name=keep]");
    await press(".next button");
    found.steps.kept = await text(".kept");

    await page.waitForURL(`${home}/problems`);
    found.steps.toMend = await text("#left");
    found.steps.faulty = await page.locator("#grid tbody").count();
    await look("problems");
    await mend(43, "Personnummer", "20180110-9919");
    found.steps.stillWrong = await text("#left");
    for (const [line, header, value] of JSON.parse(process.env.MENDS)) await mend(line, header, value);
    await page.waitForSelector("#left .good");
    found.steps.mended = await text("#left");
    found.steps.stillInvalid = await page.locator("#grid [aria-invalid]").count();
    await page.reload();
    found.steps.afterReload = await text("#left");
    await page.fill("input[name=q]", "o'brien");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=/);
    found.steps.found = await page.locator("#grid tbody").count();
    await page.goto(`${home}/problems`);
    for (const kind of ["csv", "xlsx"]) {
      const [download] = await Promise.all([page.waitForEvent("download"), press(`a[href$="as=${kind}"]`)]);
      await download.saveAs(path.join(process.env.OUT, `mended.${kind}`));
    }

    await press("#plan button");
    await planned();
    found.steps.plan = await text(".counts");
    found.steps.classes = await page.locator(".chips a").count();
    found.steps.person = await text("table.stack tbody td");
    const changed = Number(await text("table.stack tbody th")) - 1;
    await look("plan");
    await page.fill("input[name=note]", "Term start");
    await page.selectOption("select[name=field]", "phone_number1");
    await page.selectOption("select[name=column]", { label: "Klass" });
    await page.fill("input[name=value]", "9B");
    await press("form[action$='/plan'][method=get] button");
    await page.waitForURL(/field=phone/);
    found.steps.ofClass = await page.locator("table.stack tbody tr").count();
    await press(".chips a");
    await page.waitForURL((url) => !url.searchParams.has("value"));
    found.steps.ofAll = await page.locator("table.stack tbody tr").count();
    await page.goto(`${home}/plan`);
    found.steps.typed = await page.inputValue("input[name=note]");
    await press("button[value=first]");

    await page.waitForURL(`${home}/run`);
    await press("button[value=pause]");
    await page.waitForSelector("button[value=go_on]");
    await page.waitForFunction(() => /^\d+ ?%/.test(document.title));
    found.steps.title = await page.title();
    await page.waitForSelector(".first li");
    found.steps.first = await page.locator(".first li").allInnerTexts();
    await look("run");
    // The page reports that the console is unreachable.
    await context.route("**/run/events", (route) => route.abort());
    await page.goto(`${home}/run`);
    await page.waitForSelector("#lost:not([hidden])");
    found.steps.lost = true;
    found.errors.length = 0;
    await context.unroute("**/run/events");
    await page.goto(`${home}/run`);
    // The run must not end before it is stopped, not even on a loaded machine, so nothing else comes between.
    await press("button[value=go_on]");
    await page.waitForSelector("button[value=pause]");
    await press("button[value=stop]");
    found.steps.stopped = await ended();
    await press('#live a.button[href*="/runs/"]');
    await press("button[value=resume]");
    await page.waitForURL(`${home}/run`);
    // Closing the page does not affect the run.
    await page.close();
    page = await open(context);
    await page.goto(`${home}/run`);
    found.steps.resumed = await ended();
    await page.waitForSelector("#notify", { state: "hidden" });
    await look("ended");
    await press('#live a.button[href*="/runs/"]');
    found.steps.run = await text(".states");
    await look("past-run");
    const [results] = await Promise.all([page.waitForEvent("download"), press('a[href$="/file/results"]')]);
    await results.saveAs(path.join(process.env.OUT, "results.csv"));

    await press("button[value=undo]");
    await planned();
    found.steps.undoPlan = await text(".counts");
    await press("button[value=all]");
    found.steps.undone = await ended();
    await press("nav a[href$='/runs']");
    found.steps.runs = await page.locator("tbody tr").count();
    await look("runs");
    await page.goto(`${home}/problems?row=${changed}`);
    const key = await page.locator(`#i${changed}-0`).inputValue();
    await press("nav a[href$='/person']");
    await page.fill("input[name=q]", key);
    await page.keyboard.press("Enter");
    await page.waitForSelector(".card");
    found.steps.changes = await page.locator(".card").count();
    await look("person");
    const [person] = await Promise.all([page.waitForEvent("download"), press('a[href*="/person/file"]')]);
    await person.saveAs(path.join(process.env.OUT, "person.csv"));
  },

  // A dropped file with HTML in its cells and the same fault in several rows, by keyboard only.
  async dropped(context) {
    await look("start");
    await page.setInputFiles("input[type=file]", process.env.ROSTER);
    await page.locator("form.drop button").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${home}/file`);
    await page.locator(".next a.button").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${home}/columns`);
    await page.locator(".next button").focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(`${home}/problems`);
    found.steps.toMend = await text("#left");
    found.steps.alike = await page.locator(".alike li").first().textContent();
    await look("alike");
    await page.locator(".alike summary").focus();
    await page.keyboard.press("Enter");
    await page.locator(".alike select[name=to]").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#left .good");
    found.steps.mended = await text("#left");
    found.steps.receipt = await text(".receipt");
    await look("receipt");
    await press(".receipt button");
    await page.waitForSelector("#left .note");
    found.steps.undone = await text("#left");
    await press(".alike summary");
    await page.selectOption(".alike select[name=to]", { index: 1 });
    await press(".alike button");
    await page.waitForSelector("#left .good");
    await page.fill("input[name=q]", "<img");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#grid");
    found.steps.images = await page.locator("main img, main b > i").count();
    found.steps.rows = await page.locator("#grid tbody").count();

    // The page reports edits that were not received and edits that were refused.
    await page.goto(`${home}/problems`);
    await whole(1);
    const cell = page.locator('#i1-2');
    await page.route("**/problems/row?*", (route) => route.abort());
    await cell.fill("Zo");
    await page.waitForSelector("#lost:not([hidden])");
    found.steps.lost = await text("#lost");
    await page.unroute("**/problems/row?*");
    const own = await page.locator('#plan input[name="edition"]').inputValue();
    const setEditions = (edition) =>
      page.$$eval('#grid input[name="edition"]', (inputs, edition) => inputs.forEach((input) => (input.value = edition)), edition);
    await setEditions("0");
    await cell.fill("Zoe");
    await page.waitForFunction(() => document.getElementById("said").innerText);
    found.steps.refused = await text("#said");
    await setEditions(own);
    // The browser logs both failures as errors.
    found.errors.length = 0;
    // Two windows with the same row do not overwrite each other's edits.
    const other = await open(context);
    await other.goto(`${home}/problems`);
    await whole(1, other);
    const typed = async (where, column, value) => {
      const checked = where.waitForResponse((response) => response.url().includes("/problems/row"));
      await where.locator(`#i1-${column}`).fill(value);
      await checked;
    };
    await typed(page, 2, "Zoë");
    await typed(other, 3, "Öberg");
    await other.reload();
    const cells = [2, 3].map((at) => other.locator(`#i1-${at}`).inputValue());
    found.steps.twoWindows = (await Promise.all(cells)).join(" ");
    const row = other.locator("#r2");
    const taken = other.waitForResponse((response) => response.url().includes("/problems/back"));
    await row.locator(".back form[action*=back] button").click();
    await taken;
    await other.waitForFunction(() => document.querySelector("#r2 .back form[action*=back]") === null);
    found.steps.takenBack = await row.locator(".back form[action*=back] button").count();
    await other.close();
    // An edit made just before planning is in the plan, and Enter in a cell starts no plan.
    await cell.fill("Zo");
    await page.keyboard.press("Enter");
    found.steps.staysAt = new URL(page.url()).pathname.endsWith("/problems");
    await cell.fill("Zoé");
    await press("#plan button");
    await page.waitForSelector("form.answer, #live a.button");
    await page.goto(`${home}/problems`);
    found.steps.typed = (await cell.inputValue()) === "Zoé";
  },

  // The first page, if the credentials are missing.
  async credentials() {
    await look("credentials");
    found.steps.text = await page.locator("#sign-in-text").inputValue();
  },

  // A run that a guard held last night is reviewed and approved.
  async held() {
    found.steps.waiting = await text("section .cards li");
    await press("section .cards a");
    found.steps.why = await text("main .note");
    found.steps.changes = await page.locator("table.stack tbody tr").count();
    found.steps.images = await page.locator("main img").count();
    await look("held");
    // Nothing is sent before the confirmation.
    await press(".confirm summary");
    await press("button[value=approve]");
    found.steps.ended = await ended();
  },

  // People of an undo are chosen by class and one by one; a person is found by name; a held run is declined.
  async runs(context) {
    await page.goto(`${home}/runs`);
    await press("tbody a:has-text('r.csv')");
    await press("button[value=undo]");
    await planned();
    await look("undo");
    const isFew = () => page.locator("button[value=first]").isDisabled();
    found.steps.few = [await isFew()];
    await press("button[value=untick]");
    await page.waitForSelector("form.answer button[value=all]:disabled");
    found.steps.few.push(await isFew());
    await page.click(".chips button:has-text('7A')");
    await page.waitForURL(/class=7A/);
    found.steps.shown = await page.locator("table.stack tbody tr").count();
    await page.click(".chips button:has-text('7B')");
    await page.waitForURL(/class=7B/);
    const counts = async () => [
      await text("form.answer button[value=all]"),
      await text("[role=status] [data-chosen]"),
      await text("h1"),
      await text(".counts b"),
      await page.title(),
      await page.locator("form.answer button[value=all]").isDisabled(),
    ];
    const box = page.locator("input[type=checkbox]").first();
    await box.check();
    found.steps.ticked = await counts();
    await box.uncheck();
    found.steps.unticked = await counts();
    await box.check();
    // The tick is stored with the next page.
    await page.click(".chips button:has-text('7B')");
    await page.waitForFunction(() => document.querySelector("input[type=checkbox]").defaultChecked);
    await look("undo-class");
    // An undo that is left waits in the history.
    await page.goto(`${home}/runs`);
    await press("tbody tr.later:has(.tag.attention) a");
    await look("undo-waiting");
    await press("main a.button[href$='/undo']");
    await planned();
    // One confirmation is enough.
    await press("button[value=all]");
    await ended();
    found.steps.restored = await text("#live .states");
    await page.goto(`${home}/runs`);
    await look("runs-undone");
    await press("tbody a:has-text('r.csv')");
    await look("partly-undone");
    // A report is a page of its own, whose script runs.
    const opened = context.waitForEvent("page");
    await press("a[href$='/file/report']");
    const report = await opened;
    report.on("pageerror", (error) => found.errors.push(String(error)));
    await report.waitForSelector("tfoot td[data-name]");
    found.steps.report = await report.title();
    found.steps.origin = await report.evaluate(() => origin);
    await report.close();
    await page.goto(`${home}/person`);
    await look("person-empty");
    await page.fill("input[name=q]", "anna");
    await page.keyboard.press("Enter");
    await page.waitForSelector("table.people");
    found.steps.people = await page.locator("table.people tbody tr").count();
    await look("people");
    await press("table.people tbody a");
    await page.waitForSelector(".timeline");
    await look("timeline");
    await page.goto(`${home}/runs`);
    await press("tbody a:has-text('held.csv')");
    await press(".decline summary");
    await look("decline");
    await press("button[value=decline]");
    await page.waitForURL(/\/runs\//);
    await page.waitForFunction(() => !document.querySelector("button[value=decline]"));
    found.steps.declined = await page.locator("button[value=approve]").count();
    await look("declined");
  },

  // What was typed a moment before a reload is kept, even if the page could not send it; a process that is
  // frozen is noticed.
  async frozen(context) {
    await page.goto(`${home}/problems`);
    const unsent = async (value) => {
      await page.evaluate(() => (window.fetch = () => new Promise(() => {})));
      await page.locator("#i2-0").fill(value);
    };
    await unsent(process.env.VALUE);
    await page.reload();
    await page.waitForFunction((value) => document.querySelector("#i2-0").defaultValue === value, process.env.VALUE);
    await page.reload();
    found.steps.kept = await page.locator("#i2-0").inputValue();
    // What another window has stored meanwhile is newer.
    await unsent("older");
    const other = await open(context);
    await other.goto(`${home}/problems`);
    const stored = other.waitForResponse((response) => response.url().includes("/problems/row"));
    await other.locator("#i2-0").fill("newer");
    await stored;
    await other.close();
    await page.reload();
    found.steps.newer = await page.locator("#i2-0").inputValue();
    const lost = page.locator("#lost");
    process.kill(Number(process.env.PID), "SIGSTOP");
    await lost.waitFor({ state: "visible" });
    found.steps.frozen = true;
    process.kill(Number(process.env.PID), "SIGCONT");
    await lost.waitFor({ state: "hidden" });
    found.steps.thawed = true;
  },

  // Runs of workers: a held run is approved, and its results are downloaded.
  async fleet() {
    await page.goto(`${home}/runs`);
    found.steps.runs = await page.locator("tbody tr").count();
    await press('tbody tr:has-text("held.csv") a');
    found.steps.held = await text("main");
    await look("fleet");
    await press(".confirm summary");
    await press("button[value=approve]");
    await page.waitForURL(/\/runs\//);
    for (let tries = 0; tries < 1200 && !(await text("main")).includes("finished"); tries += 1) {
      await page.waitForTimeout(250);
      await page.reload();
    }
    found.steps.ended = await text("main");
    const [download] = await Promise.all([page.waitForEvent("download"), press('a[href$="/file/results"]')]);
    await download.saveAs(path.join(process.env.OUT, "held.results.csv"));
    await press("button[value=undo]");
    await planned();
    await press("button[value=all]");
    found.steps.undone = await ended();
  },

  // An edit after planning replaces the plan, and the old plan in another window cannot be sent.
  async flow(context) {
    const steps = async () => (await page.locator("#steps li").allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
    const classes = () => page.locator("#steps li").evaluateAll((items) => items.map((item) => item.className));
    await page.goto(`${home}/problems`);
    found.steps.names = await steps();
    found.steps.atRows = await classes();
    await press("#plan button");
    await planned();
    found.steps.atReview = await classes();
    await look("review");
    const other = await open(context);
    await other.goto(`${home}/plan`);
    await press("#steps a[href$='/problems']");
    await page.waitForURL(`${home}/problems`);
    const checked = page.waitForResponse((response) => response.url().includes("/problems/row"));
    await page.locator(process.env.CELL).selectOption({ label: process.env.VALUE });
    await checked;
    await page.waitForFunction(() => document.querySelector("#steps li:nth-child(4)").className === "attention");
    await other.click("button[value=all]");
    found.steps.refused = await other.locator("main .wrong").innerText();
    await other.close();
    found.errors.length = 0;
    await press("#steps a[href$='/plan']");
    found.steps.stale = await text("main .note");
    found.steps.atStale = await classes();
    await look("stale");
    await press("main .next button");
    await planned();
    found.steps.plan = await text(".counts");
    // After a plan is declined, no step is in progress.
    await press("button[value=no]");
    await page.waitForURL(`${home}/problems`);
    found.steps.declined = await classes();
    await press("#plan button");
    await planned();
    await press("button[value=all]");
    await ended();
    found.steps.atEnd = await classes();
    // Each step can be visited again.
    for (const page_ of ["file", "columns", "problems", "plan", "run"]) {
      await page.goto(`${home}/${page_}`);
      if (!(await page.locator("#steps [aria-current]").count())) throw new Error(page_);
    }
    await press("#steps li:last-child a");
    found.steps.done = await text("#steps [aria-current] b");
  },

  // Faults are corrected one by one: by suggestion, by choice and by keyboard.
  async faults() {
    await page.goto(`${home}/problems`);
    const lines = await page.locator("#grid tbody tr:not(.more)").evaluateAll((rows) =>
      rows.map((row) => [...row.children].slice(0, 4).map((cell) => cell.textContent.trim()).join("|")),
    );
    found.steps.lines = lines;
    found.steps.shown = await text(".pages .dim");
    found.steps.note = await text("#left + p");
    const counts = () => page.locator(".tabs span").allInnerTexts();
    found.steps.counted = [await counts()];
    found.steps.broken = await brokenIn("#grid tbody tr:not(.more) > :nth-child(-n + 4)");
    found.steps.date = [await text("[data-for=i2-7]"), await page.locator("#i2-7").inputValue()];
    await look("faults");
    // On a phone, the tabs and the search are one line each.
    await page.setViewportSize({ width: 320, height: 700 });
    const heightOf = async (selector) => (await page.locator(selector).first().boundingBox()).height;
    found.steps.narrow = [await heightOf(".tabs"), await heightOf("form[role=search] input"), await heightOf("form[role=search]")];
    found.steps.apart = await page.locator(".tabs a").evaluateAll((tabs) => {
      const places = tabs.map((tab) => tab.getBoundingClientRect());
      const widest = tabs.map((tab) => Math.max(tab.scrollWidth, tab.offsetWidth));
      return places.every(({ left }, at) => !at || places[at - 1].left + widest[at - 1] <= left + 1);
    });
    found.steps.summary = await text("#grid .do summary");
    // A focused cell is not hidden below the sticky header.
    await page.setViewportSize({ width: 1280, height: 320 });
    await page.emulateMedia({ reducedMotion: "reduce" });
    await page.locator("#grid [aria-invalid]").first().focus();
    found.steps.order = [];
    found.steps.hidden = [];
    for (let count = 0; count < lines.length; count += 1) {
      const [label, isHidden] = await page.evaluate(() => {
        const { activeElement: input } = document;
        const { top, bottom } = input.getBoundingClientRect();
        const isHidden = top < document.getElementById("left").getBoundingClientRect().bottom || bottom > innerHeight;
        return [input.getAttribute("aria-label"), isHidden];
      });
      found.steps.order.push(label);
      if (isHidden) found.steps.hidden.push(label);
      await page.keyboard.press("Enter");
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    const suggestion = page.locator("button.suggest").first();
    found.steps.suggestion = await suggestion.innerText();
    const checked = page.waitForResponse((response) => response.url().includes("/problems/row"));
    await suggestion.click();
    await checked;
    await page.waitForFunction(() => !document.querySelector("#i1-4").hasAttribute("aria-invalid"));
    // Changing one of two duplicates makes both rows valid.
    const changed = page.waitForResponse((response) => response.url().includes("/problems/row"));
    await page.locator("#i3-1").fill(process.env.NUMBER);
    await changed;
    await page.waitForFunction(() => !document.querySelector("#i4-1").hasAttribute("aria-invalid"));
    await page.waitForFunction(() => !document.querySelector("#e4-1").textContent);
    await page.waitForSelector("#b3 .ok");
    found.steps.corrected = await page.locator("#grid .ok").allInnerTexts();
    // A corrected row has no suggestion and no code.
    found.steps.settled = await page.locator("#r1 :is(.suggest, .technical)").filter({ visible: true }).count();
    found.steps.counted.push(await counts());
    // A row is skipped until that is undone. The page is reloaded after each look, because looking leaves style
    // attributes, and htmx may not copy them under the content security policy.
    await page.reload();
    await press("#r2 form[action*=skip] button");
    await page.waitForSelector("#r2 form[action*='/back']");
    await page.reload();
    found.steps.skipped = [await text("#w2"), await page.locator("#left .good").count(), await page.locator("#r2 input:not([type=hidden])").count()];
    await look("skipped");
    await page.reload();
    await press("#r2 form[action*='/back'] button");
    await page.waitForSelector("#r2 form[action*=skip]");
    await page.reload();
    found.steps.counted.push(await counts());
    found.steps.correctedLater = await page.locator("#grid .ok").allInnerTexts();
    for (const tab of ["changed", "restored", "doubtful"]) {
      await press(`.tabs a[href$='tab=${tab}']`);
      await page.waitForURL(new RegExp(`tab=${tab}`));
      found.steps[tab] = await page.locator("#grid tbody").count();
      found.steps[`${tab}Heading`] = await text("#grid thead th:nth-child(6)");
      found.steps[`${tab}Page`] = await text("main");
      await look(tab);
    }
  },

  // A workbook with a title, groups of columns, merged cells, dates and numbers, from its file to its end.
  async messy() {
    found.steps.header = await page.locator("main table thead th").allInnerTexts();
    found.steps.edge = await page.locator(".scroll").evaluate((table) => getComputedStyle(table).backgroundImage);
    await look("messy-file");
    await press(".next a.button");
    await page.waitForURL(`${home}/columns`);
    found.steps.question = await text(".question");
    await look("columns-asked");
    // Nothing is left out before the question is answered.
    await press(".next button");
    found.steps.staysAt = new URL(page.url()).pathname.endsWith("/columns");
    await press("#steps a[href$='/problems']");
    await page.waitForURL(`${home}/problems`);
    await press("#plan button");
    await page.waitForURL(`${home}/columns`);
    // The page follows an answer at once.
    const step = () => page.locator("#steps li:nth-child(2)").getAttribute("class");
    const asked = await page.locator("tr.doubtful select").getAttribute("id");
    found.steps.open = [await page.locator(".question, .note").count(), await step()];
    await press(".answers button");
    await page.waitForSelector("tr.doubtful", { state: "detached" });
    found.steps.answered = await page.locator(`#${asked}`).inputValue();
    found.steps.closed = [await page.locator(".question, .note").count(), await step()];
    found.steps.focused = await page.evaluate(() => document.activeElement.id);
    await look("columns-answered");
    await press(".next button");
    await page.waitForURL(`${home}/problems`);
    found.steps.toMend = await text("#left");
    const checked = page.waitForResponse((response) => response.url().includes("/problems/row"));
    await page.locator("#grid select[aria-invalid]").selectOption({ index: 1 });
    await checked;
    await page.waitForSelector("#left .good");
    await look("messy-rows");
    await press("#plan button");
    await planned();
    found.steps.plan = await text(".counts");
    await look("messy-plan");
    await press("button[value=all]");
    found.steps.ended = await ended();
    await press('#live a.button[href*="/runs/"]');
    found.steps.done = await text("#steps [aria-current] b");
    await look("messy-done");
  },

  // The next roster of a school: who is new, who is missing, and what was decided about its columns.
  async next() {
    await page.goto(`${home}/columns`);
    found.steps.question = await text(".question");
    await look("columns-again");
    await press("button[name=repeat]");
    await page.waitForSelector(".question", { state: "detached" });
    await press(".next button");
    await page.waitForURL(`${home}/problems`);
    await press("#plan button");
    await planned();
    found.steps.since = await text(".since summary");
    await press(".since summary");
    found.steps.names = await page.locator(".since li").allInnerTexts();
    await look("since");
  },

  // A large roster: the time from the end of the check to the first row with a fault.
  async large() {
    await page.goto(`${home}/problems`);
    await page.waitForSelector("#grid tbody tr");
    const timing = () => page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd);
    found.steps.first_ms = await timing();
    found.steps.toMend = await text("#left");
    const pages = [];
    for (let count = 0; count < 5; count += 1) {
      await press(".pages a:last-child");
      await page.waitForSelector("#grid tbody tr");
      pages.push(await timing());
    }
    found.steps.page_ms = Math.max(...pages);
    const began = Date.now();
    const input = page.locator("#grid td [aria-invalid]").first();
    const checked = page.waitForResponse((response) => response.url().includes("/problems/row"));
    if ((await input.evaluate((input) => input.tagName)) === "SELECT") await input.selectOption({ index: 1 });
    else await input.fill("Kvinna");
    await checked;
    found.steps.typed_ms = Date.now() - began;
  },
};

(async () => {
  // Chromium's sandbox is not available in a container.
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"],
  });
  const context = await browser.newContext({ acceptDownloads: true, viewport: { width: 1280, height: 800 } });
  // Each step waits for a state of the page. A loaded machine may take minutes for a large roster.
  context.setDefaultTimeout(300_000);
  page = await open(context);
  try {
    await page.goto(address);
    await page.waitForURL((url) => !url.pathname.startsWith("/enter"));
    home = origin + new URL(page.url()).pathname.replace(/\/[^/]*$/, "");
    await walks[what](context);
  } catch (error) {
    const seen = await page.innerText("body").catch(() => "");
    found.failed = [error, page.url(), seen].map((part) => String(part).replace(/\s+/g, " ").slice(0, 1000)).join("\n");
  }
  await browser.close();
  console.log(JSON.stringify(found));
})();
