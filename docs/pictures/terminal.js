// What a terminal shows, from standard input, as a picture. Argument: where it goes.
"use strict";
const Convert = require("ansi-to-html");
const picture = require("./page.js");

const text = require("fs").readFileSync(0, "utf8").replaceAll("\r", "");
const colors = { 1: "#ff8a80", 2: "#9ccc65", 3: "#ffd54f", 4: "#64b5f6", 9: "#ff8a80", 12: "#82b1ff", 14: "#84ffff" };
const html = new Convert({ fg: "#e6e6e6", bg: "#1b1d1f", escapeXML: true, colors }).toHtml(text.trimEnd());
picture.ofHtml(
  `<body style="margin:0;background:#1b1d1f"><pre style="margin:0;padding:20px;display:inline-block;color:#e6e6e6;font:15px/1.35 'DejaVu Sans Mono',monospace">${html}</pre>`,
  process.argv[2],
);
