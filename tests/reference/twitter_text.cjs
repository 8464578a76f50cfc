// The reference for length and links: twitter-text itself, with node. TWITTER_TEXT is its directory (that of its
// package.json).
//
//   node twitter_text.cjs tables          prints what domain/content/site_tables.py holds, as JSON
//   node twitter_text.cjs weigh < texts   a JSON list of texts in; [weight, [[start, end], …]] of each out: the links in
//                                         UTF-16 code units of the normalized text, each as long as it is counted
"use strict";
const path = require("path");
const root = process.env.TWITTER_TEXT;
const twitter = require(root);
const part = (name) => require(path.join(root, "dist", "regexp", name));

const UNITS = 0x10000;

// All code units that match a class of one unit, as the inside of a class of Python's. The site's expressions are
// matched without regard to case by JavaScript's rules, which are not Python's; spelled out they are the same.
function unitsOf(pattern) {
  const one = new RegExp(`^(?:${pattern})$`, "i");
  const ranges = [];
  for (let unit = 0; unit < UNITS; unit++) {
    if (!one.test(String.fromCharCode(unit))) continue;
    const last = ranges[ranges.length - 1];
    if (last && last[1] === unit - 1) last[1] = unit;
    else ranges.push([unit, unit]);
  }
  const hex = (unit) => `\\u${unit.toString(16).padStart(4, "0")}`;
  return ranges.map(([low, high]) => (low === high ? hex(low) : `${hex(low)}-${hex(high)}`)).join("");
}

function tables() {
  const named = (name) => part(name).source.match(/\(\?:([^()]+)\)\(\?=/)[1].split("|");
  const tlds = [...named("validGTLD"), ...named("validCCTLD")];
  const cases = {};
  for (const char of new Set(tlds.join(""))) {
    if (char < "\u0080") continue;
    const same = [...Array(UNITS).keys()].map((unit) => String.fromCharCode(unit)).filter((other) => new RegExp(`^${char}$`, "i").test(other));
    if (same.length > 1) cases[char] = same.join("");
  }
  const classes = {
    BEFORE: part("validUrlPrecedingChars").source.replace(/\|\^\)$/, ")"),
    DOMAIN: part("validDomainChars").source,
    ASCII_DOMAIN: `[\\-a-z0-9${part("latinAccentChars").source}]`,
    PATH: part("validGeneralUrlPathChars").source,
    PATH_END: part("validUrlPathEndingChars").source.replace(/\|\(\?:.*$/, ""),
    QUERY: part("validUrlQueryChars").source,
    QUERY_END: part("validUrlQueryEndingChars").source,
  };
  const emoji = require(require.resolve("twemoji-parser/dist/lib/regex.js", { paths: [root] })).default.source;
  process.stdout.write(JSON.stringify({
    version: require(path.join(root, "package.json")).version,
    ranges: twitter.configs.defaults.ranges,
    tlds,
    cases,
    classes: Object.fromEntries(Object.entries(classes).map(([name, source]) => [name, unitsOf(source)])),
    emoji,
  }));
}

function weigh() {
  const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const weighed = texts.map((text) => [
    twitter.parseTweet(text).weightedLength,
    twitter.extractUrlsWithIndices(text.normalize()).map((url) => [url.indices[0], url.indices[0] + url.url.length]),
  ]);
  process.stdout.write(JSON.stringify(weighed));
}

({ tables, weigh })[process.argv[2]]();
