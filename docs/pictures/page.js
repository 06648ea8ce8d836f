// A page as a picture. Arguments: the page, and where the picture goes.
"use strict";
const { chromium } = require("playwright-core");
const path = require("path");

exports.withPage = async (work) => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  await work(await browser.newPage({ viewport: { width: 1000, height: 1000 } }));
  await browser.close();
};

// A picture of all of some HTML, as large as its first element.
exports.ofHtml = (html, to) =>
  exports.withPage(async (page) => {
    await page.setContent(html);
    await page.locator("pre").screenshot({ path: to });
  });

if (require.main === module) {
  exports.withPage(async (page) => {
    await page.goto(`file://${path.resolve(process.argv[2])}`);
    await page.screenshot({ path: process.argv[3] });
  });
}
