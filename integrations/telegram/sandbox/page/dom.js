// Building the page's elements. Text only ever becomes a text node: nothing that a bot or a person wrote is markup.

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  send: "M3.4 20.4 20.85 12.900c.8-.350.8-1.500 0-1.840L3.400 3.600a1 1 0 0 0-1.390.910L2 9.120c0 .500.370.930.870.990L17 12 2.870 13.880c-.500.070-.870.500-.870 1l.010 4.610c0 .710.730 1.200 1.390.910z",
  back: "M20 11H7.830l5.590-5.590L12 4l-8 8 8 8 1.410-1.410L7.830 13H20z",
  down: "M12 16.400 4.600 9 6 7.600l6 6 6-6L19.400 9z",
  more: "M12 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zm0 2a2 2 0 1 0 0 4 2 2 0 0 0 0-4zm0 6a2 2 0 1 0 0 4 2 2 0 0 0 0-4z",
  close: "m19 6.410-1.410-1.410L12 10.590 6.410 5 5 6.410 10.590 12 5 17.590 6.410 19 12 13.410 17.590 19 19 17.590 13.410 12z",
  add: "M15 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm0 2c-2.670 0-8 1.340-8 4v2h16v-2c0-2.660-5.330-4-8-4zM6 10V7H4v3H1v2h3v3h2v-3h3v-2z",
  beside: "M4 4h16a1 1 0 0 1 1 1v14a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V5a1 1 0 0 1 1-1zm1 2v12h6V6zm8 0v12h6V6z",
  menu: "M4 6h16v2H4zm0 5h16v2H4zm0 5h16v2H4z",
  sent: "M9 16.200 4.800 12l-1.400 1.400L9 19 21 7l-1.400-1.400z",
  read: "m18 7-1.410-1.410-6.340 6.340 1.410 1.410zm4.240-1.410L11.660 16.170 7.480 12l-1.410 1.410L11.660 19l12-12zM.410 13.410 6 19l1.410-1.410L1.830 12z",
  link: "M6 18 16.200 7.800V15H18V4.400H7.400v1.800h7.200L4.600 16.600z",
  card: "M20 4H4a2 2 0 0 0-2 2v12c0 1.100.9 2 2 2h16a2 2 0 0 0 2-2V6a2 2 0 0 0-2-2zm0 14H4v-6h16zm0-10H4V6h16z",
  copy: "M16 1H4a2 2 0 0 0-2 2v14h2V3h12zm3 4H8a2 2 0 0 0-2 2v14c0 1.100.9 2 2 2h11a2 2 0 0 0 2-2V7a2 2 0 0 0-2-2zm0 16H8V7h11z",
  file: "M19 9h-4V3H9v6H5l7 7zM5 18v2h14v-2z",
  star: "M12 1.800c.5 0 1 .3 1.200.8l2.500 5.600 6.100.7c1.200.1 1.600 1.500.8 2.300l-4.500 4.100 1.200 6c.2 1.100-1 2-2 1.400L12 19.700l-5.300 3c-1 .6-2.200-.3-2-1.400l1.200-6-4.500-4.100c-.8-.8-.4-2.200.8-2.300l6.100-.7 2.500-5.600c.2-.5.7-.8 1.200-.8z",
};

// An element: `el("button.key", {onclick}, "text", child, …)`; null children are left out.
export function el(name, properties = {}, ...children) {
  const [tag, ...classes] = name.split(".");
  const node = document.createElement(tag || "div");
  if (classes.length) node.className = classes.join(" ");
  Object.assign(node, properties);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name, size = 24, className = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("width", size);
  svg.setAttribute("height", size);
  svg.setAttribute("aria-hidden", "true");
  if (className) svg.setAttribute("class", className);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export function iconButton(name, title, onclick, className = "") {
  const button = el("button.round", { type: "button", title, onclick }, icon(name));
  if (className) button.classList.add(...className.split(" "));
  button.setAttribute("aria-label", title);
  return button;
}

export const star = () => icon("star", 24, "star");

// Text in which the star emoji is drawn, so that it looks the same under every font.
export function withStars(text) {
  const parts = text.split(/⭐\ufe0f?/u);
  return parts.flatMap((part, index) => (index ? [star(), part] : [part]));
}

export function avatar(name, tone, size = "") {
  const initials = name.trim().split(/\s+/u).slice(0, 2).map((word) => [...word][0] ?? "").join("");
  return el(["div", "avatar", `tone-${tone}`, size].filter(Boolean).join("."), {}, initials.toUpperCase());
}

// The address if a browser may open it from here: a web page or Telegram's own scheme; null otherwise.
export function safeAddress(text) {
  try {
    const address = new URL(text.includes(":") ? text : `https://${text}`);
    return ["http:", "https:", "tg:"].includes(address.protocol) ? address.href : null;
  } catch {
    return null;
  }
}

export const amount = (number) => number.toLocaleString("en");

// A sum as text: Stars, or minor units of a currency (all that the sandbox knows have two decimal places).
export const priceText = (total, currency) => (currency === "XTR" ? `⭐${amount(total)}`
  : new Intl.NumberFormat("en", { style: "currency", currency, currencyDisplay: "narrowSymbol" }).format(total / 100));

export const price = (total, currency) => (currency === "XTR" ? [star(), ` ${amount(total)}`] : [priceText(total, currency)]);
