// Sheets of pictures: each page of the console and the report at 320, 768 and 1280 pixels, light above dark.
// The pages are alternately in English and Swedish. Arguments: the folder with the pictures of the pages,
// named PAGE-LANGUAGE-WIDTH-SCHEME.png, and the folder of the sheets.
"use strict";
const fs = require("fs");
const path = require("path");
const { withPage } = require("./page.js");

const [, , views, sheets] = process.argv;
const WIDTHS = [1280, 768, 320];
// A long page is cut off here, in pixels.
const MOST = 1200;
// The size of the pictures on a sheet.
const SCALE = 0.6;
// The quality of WebP, from 0 to 1.
const QUALITY = 0.2;

const pages = new Map();
for (const file of fs.readdirSync(views).sort()) {
  const [, page, language] = file.match(/^(.+)-(en|sv)-\d+-(?:light|dark)\.png$/) ?? [];
  if (page) pages.set(page, new Set(pages.get(page)).add(language));
}

// Returns a sheet as a data URL. Runs in the browser.
async function composed([rows, most, scale, quality]) {
  const gap = 12;
  const size = (pixels) => Math.round(pixels * scale);
  const shown = (image) => Math.min(image.height, most);
  const load = (source) =>
    new Promise((loaded, failed) => {
      const image = Object.assign(new Image(), { onload: () => loaded(image), onerror: failed });
      image.src = source;
    });
  const images = await Promise.all(rows.map((row) => Promise.all(row.map(load))));
  const heights = images.map((row) => size(Math.max(...row.map(shown))));
  const width = images[0].reduce((sum, image) => sum + size(image.width) + gap, gap);
  const height = heights.reduce((sum, height) => sum + height + gap, gap);
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#888";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  let y = gap;
  images.forEach((row, at) => {
    let x = gap;
    for (const image of row) {
      const [width, height] = [size(image.width), size(shown(image))];
      context.drawImage(image, 0, 0, image.width, shown(image), x, y, width, height);
      x += width + gap;
    }
    y += heights[at] + gap;
  });
  return canvas.toDataURL("image/webp", quality);
}

withPage(async (page) => {
  fs.mkdirSync(sheets, { recursive: true });
  let count = 0;
  for (const [name, languages] of pages) {
    const wanted = ["en", "sv"][count % 2];
    const language = languages.has(wanted) ? wanted : [...languages][0];
    const url = (width, scheme) =>
      `data:image/png;base64,${fs.readFileSync(path.join(views, `${name}-${language}-${width}-${scheme}.png`), "base64")}`;
    const rows = ["light", "dark"].map((scheme) => WIDTHS.map((width) => url(width, scheme)));
    const sheet = await page.evaluate(composed, [rows, MOST, SCALE, QUALITY]);
    fs.writeFileSync(path.join(sheets, `${name}.webp`), Buffer.from(sheet.split(",")[1], "base64"));
    count += 1;
  }
});
