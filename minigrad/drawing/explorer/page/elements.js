// Elements and numbers as text. Nothing here parses markup: every text becomes a text node.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. Attributes that are null, undefined or false are left out; `on…` are listeners. */
function element(name, attributes = {}, ...children) {
  return furnished(document.createElement(name), attributes, children);
}

/** An SVG element, made in the same way. */
function vector(name, attributes = {}, ...children) {
  return furnished(document.createElementNS(SVG, name), attributes, children);
}

function furnished(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** The most frequent ones, by their class. */
const paragraph = (kind, ...children) => element("p", { class: kind || null }, children);
const block = (kind, ...children) => element("div", { class: kind || null }, children);
const span = (kind, ...children) => element("span", { class: kind || null }, children);

function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

/** A line drawing of 16 by 16, for buttons; `path` is the d of an SVG path. */
function icon(path) {
  return vector("svg", { viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true" }, vector("path", { d: path }));
}

const SPECIAL = { NaN: NaN, inf: Infinity, "-inf": -Infinity };

/** The number that the data holds: what is not finite is a string there. */
function numberOf(written) {
  return typeof written === "string" ? SPECIAL[written] : written;
}

/** A number in at most `digits` significant digits. */
function shown(x, digits = 4) {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const text = Number.isInteger(x) && Math.abs(x) < 1e6 ? String(x) : String(Number(x.toPrecision(digits)));
  return text.replace("-", "−").replace("e−", "e-").replace("e+", "e").replace("e-", "e−");
}

/** "3 nodes": a number and what is counted, which has a text of its own for one. */
function countOf(count, noun) {
  return words(count === 1 ? `one ${noun}` : `many ${noun}s`, count.toLocaleString("en"));
}

function bytes(count) {
  if (count < 10_000) return `${count.toLocaleString("en")}\u00a0${words("bytes")}`;
  const units = ["kB", "MB", "GB"];
  let size = count / 1000;
  let unit = 0;
  for (; size >= 1000 && unit < 2; unit += 1) size /= 1000;
  return `${size.toFixed(1)}\u00a0${units[unit]}`;
}

/** Black or white, whichever has the higher contrast on the colour (WCAG 2). */
function inkOn([red, green, blue]) {
  const linear = [red, green, blue].map((x) => (x <= 10.3 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) ? "#000" : "#fff";
}
