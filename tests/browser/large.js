// Measures the console with a large roster, against a sandbox in a process of its own, and runs Lighthouse on
// its pages. Prints its findings as JSON. Arguments: the program, and the number of rows. NODE_PATH holds
// playwright-core and lighthouse; CHROMIUM is the browser.
"use strict";
const { spawn } = require("child_process");
const fs = require("fs");
const os = require("os");
const path = require("path");
const { pathToFileURL } = require("url");
const { chromium } = require("playwright-core");

const [, , program, rows = "50000"] = process.argv;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), "large-"));
const env = { ...process.env, XDG_STATE_HOME: path.join(folder, "state"), XDG_CONFIG_HOME: path.join(folder, "config"), LC_ALL: "C.UTF-8" };
for (const name of ["MEITNER_CLIENT_CREDENTIALS", "MEITNER_CLIENT_SECRET"]) env[name] = "sandbox";
const found = { rows: Number(rows), lighthouse: {} };
const processes = [];
let context;

// Returns a number with its check digit, another one for each row.
function identityNumber(row) {
  const two = (number) => String(number).padStart(2, "0");
  const date = `${2010 + Math.floor(row / 336_000)}${two(1 + (Math.floor(row / 28_000) % 12))}${two(1 + (Math.floor(row / 1000) % 28))}`;
  const serial = String(row % 1000).padStart(3, "0");
  const sum = [...(date.slice(2) + serial)].reduce((sum, digit, place) => {
    const product = digit * (place % 2 === 0 ? 2 : 1);
    return sum + Math.floor(product / 10) + (product % 10);
  }, 0);
  return `${date}-${serial}${(10 - (sum % 10)) % 10}`;
}

// Writes a roster in which every fiftieth row has this gender, and all have an address in this street. Returns its name.
function roster(name, gender, street) {
  const lines = ["id;identity_number;first_name;last_name;gender;postal_address;Klass"];
  for (let row = 1; row <= found.rows; row += 1) {
    const id = `00000000-0000-4000-8000-${String(row).padStart(12, "0")}`;
    lines.push(`${id};${identityNumber(row)};Bo;Ek;${row % 50 ? "Man" : gender};${street} ${row};${1 + (row % 9)}A`);
  }
  fs.writeFileSync(path.join(folder, name), lines.join("\r\n") + "\r\n");
  return name;
}

// Starts the program, and returns it with the address that it prints.
function start(...args) {
  const process_ = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  processes.push(process_);
  let output = "";
  return new Promise((resolve, reject) => {
    process_.stdout.on("data", (part) => {
      output += part;
      const address = output.match(/http:\/\/\S+/);
      if (address) resolve([process_, address[0]]);
    });
    process_.on("exit", () => reject(new Error(output)));
  });
}

// The most memory that a process has had, in MB.
const peak = (process_) => Number(fs.readFileSync(`/proc/${process_.pid}/status`, "utf8").match(/VmHWM:\s+(\d+)/)[1]) / 1024;

(async () => {
  const [, base] = await start("sandbox", "--listen", "127.0.0.1:0", "--quota", "1000000/s", "--seed", roster("seed.csv", "Man", "Gamla vägen"));
  const limits = ["--max-invalid", "100%", "--max-changes", "100%", "--rate", "unlimited", "--key", "id"];
  const [opened, entrance] = await start("open", "--no-browser", roster("large.csv", "Okänt", "Skolgatan"), "--target", "meitner", "--base-url", base, ...limits);
  const profile = path.join(folder, "browser");
  // Chromium's sandbox is not available in a container.
  context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-port=0"],
    viewport: { width: 1280, height: 800 },
  });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  await page.goto(entrance);
  await page.waitForURL((url) => !url.pathname.startsWith("/enter"));
  const home = page.url().replace(/\/[^/]*$/, "");
  const loaded = () => page.evaluate(() => performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd);

  await page.goto(`${home}/problems`);
  await page.waitForSelector("#grid tbody tr");
  found.first_fault_ms = Math.round(await loaded());
  found.checked_mb = Math.round(peak(opened));

  // From the request for the plan: the first figure, the first estimate and the plan.
  await page.goto(`${home}/plan`);
  const began = Date.now();
  const since = () => Date.now() - began;
  await page.locator("main form[action$='/plan'] button").first().click();
  found.estimates = [];
  for (;;) {
    const [hasPlan, shown, hasEstimate] = await page
      .evaluate(() => [
        document.querySelector("form.answer button[value=all]") !== null,
        (document.getElementById("live")?.innerText ?? "").replace(/\s+/g, " "),
        document.querySelector("#live progress + p") !== null,
      ])
      .catch(() => [false, "", false]);
    if (hasPlan) break;
    if (page.url().endsWith("/run")) throw new Error(await page.innerText("body"));
    if (shown && found.first_figure_ms === undefined) found.first_figure_ms = since();
    if (hasEstimate && found.first_estimate_ms === undefined) found.first_estimate_ms = since();
    if (shown && found.estimates.at(-1)?.[1] !== shown) found.estimates.push([since(), shown]);
    if (since() > 600_000) throw new Error(shown);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  found.planned_ms = since();
  found.planned_mb = Math.round(peak(opened));

  const { default: lighthouse, desktopConfig } = await import(pathToFileURL(require.resolve("lighthouse")).href);
  const port = Number(fs.readFileSync(path.join(profile, "DevToolsActivePort"), "utf8").split("\n")[0]);
  for (const at of ["file", "columns", "problems", "plan", "runs"]) {
    for (const [name, config] of [["desktop", desktopConfig], ["phone", undefined]]) {
      // The pages are on this machine alone: search engines do not see them.
      const onlyCategories = ["performance", "accessibility", "best-practices"];
      const flags = { port, disableStorageReset: true, logLevel: "error", onlyCategories };
      const { lhr } = await lighthouse(`${home}/${at}`, flags, config);
      const scores = Object.values(lhr.categories).map(({ id, score }) => [id, Math.round(score * 100)]);
      const isWrong = ({ score, scoreDisplayMode }) => score !== null && score < 0.9 && scoreDisplayMode !== "informative";
      const wrong = Object.values(lhr.audits).filter(isWrong);
      found.lighthouse[`${at}, ${name}`] = {
        ...Object.fromEntries(scores),
        below: wrong.map(({ id, displayValue }) => (displayValue ? `${id}: ${displayValue}` : id)),
      };
    }
  }
  found.whole_mb = Math.round(peak(opened));
})()
  .catch((error) => {
    found.failed = String(error.stack);
    process.exitCode = 1;
  })
  .finally(async () => {
    await context?.close();
    for (const process_ of processes) process_.kill();
    console.log(JSON.stringify(found, null, 1));
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
