// Opens a report in Chromium as a recipient of a mail would: wide, dark, on a phone and in print. Prints its
// findings as JSON. Arguments: the report, and a folder for screenshots, or "quick" for a single view without
// the accessibility check, which is slow on long pages.
"use strict";
const { chromium } = require("playwright-core");
const path = require("path");

const [, , report, option] = process.argv;
const quick = option === "quick";
const pictures = quick ? undefined : option;
const views = [
  { name: "wide", viewport: { width: 1200, height: 900 }, colorScheme: "light" },
  { name: "dark", viewport: { width: 1200, height: 900 }, colorScheme: "dark" },
  { name: "phone", viewport: { width: 320, height: 700 }, colorScheme: "light" },
];

(async () => {
  // Chromium's sandbox is not available in a container.
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  const found = { errors: [], requests: [], barriers: [], overflow: [] };
  for (const { name, ...view } of quick ? views.slice(0, 1) : views) {
    const page = await browser.newPage(view);
    page.on("console", (message) => message.type() === "error" && found.errors.push(message.text()));
    page.on("pageerror", (error) => found.errors.push(String(error)));
    page.on("request", (request) => found.requests.push(request.url()));
    const began = Date.now();
    await page.goto(`file://${path.resolve(report)}`);
    found.opened_ms = Math.max(found.opened_ms ?? 0, Date.now() - began);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) found.overflow.push(`${name}: ${wide}`);
    if (pictures && name === "wide") await page.pdf({ path: path.join(pictures, "report.pdf"), format: "A4" });
    if (name === "wide") {
      // As wide as a sheet of A4 between its margins.
      await page.emulateMedia({ media: "print" });
      await page.setViewportSize({ width: 673, height: 900 });
      const cut = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (cut > 0) found.overflow.push(`print: ${cut}`);
      await page.emulateMedia({ media: "screen" });
      await page.setViewportSize(view.viewport);
      Object.assign(found, await used(page));
    }
    if (quick) continue;
    await page.addScriptTag({ path: require.resolve("axe-core/axe.min.js") });
    const { violations } = await page.evaluate(() => axe.run());
    for (const { id, nodes } of violations) found.barriers.push(`${name}: ${id}: ${nodes[0].html}`);
    await page.close();
  }
  if (pictures) await pictured(browser);
  await browser.close();
  console.log(JSON.stringify(found));
})();

// Pictures of the report: narrow, medium and wide, light and dark.
async function pictured(browser) {
  for (const width of [320, 768, 1280]) {
    for (const colorScheme of ["light", "dark"]) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      await page.goto(`file://${path.resolve(report)}`);
      const lang = await page.locator("html").getAttribute("lang");
      const file = `report-${lang}-${width}-${colorScheme}.png`;
      await page.screenshot({ path: path.join(pictures, file), fullPage: true });
      await page.close();
    }
  }
}

// Returns the effect of filtering and sorting, and the text of the page.
async function used(page) {
  const text = await page.innerText("main");
  // The part for a principal.
  const plain = await page.evaluate(() => {
    const technical = document.querySelector(".technical");
    technical.hidden = true;
    const text = document.querySelector("main").innerText;
    technical.hidden = false;
    return text;
  });
  const command = await page.evaluate(() => document.querySelector("#command")?.textContent ?? null);
  if (!(await page.locator(".rows").count())) return { text, plain, command };
  const shown = () => page.locator(".rows tbody tr:not([hidden])");
  const rows = await shown().count();
  const first = () => page.locator(".rows tbody tr td").first().textContent();
  const unsorted = await first();
  const head = page.locator(".rows th button").first();
  await head.click();
  await head.click();
  const sorted = { first: await first(), by: await page.locator(".rows th[aria-sort]").getAttribute("aria-sort") };
  const code = await page.locator("#code option").nth(1).textContent();
  await page.selectOption("#code", code);
  const ofCode = await shown().count();
  await page.selectOption("#code", "");
  await page.fill("#find", "nothing has this in it");
  const ofNothing = await shown().count();
  await page.fill("#find", "");
  return { text: text.slice(0, 20_000), plain, command, rows, unsorted, sorted, code, ofCode, ofNothing };
}
