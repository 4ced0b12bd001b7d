// Formatted text and times.

import { el, safeAddress } from "./dom.js";

const NAMES = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre",
  blockquote: "blockquote", expandable_blockquote: "blockquote" };

// The nodes of a text with Telegram's entities, whose offsets count as JavaScript's strings do.
// `actions`: open(address, event), command(text), copy(text).
export function formatted(text, entities, actions) {
  const sorted = [...(entities ?? [])].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return stretch(text, 0, text.length, sorted, actions);
}

function stretch(text, from, to, entities, actions) {
  const nodes = [];
  let at = from;
  for (let index = 0; index < entities.length; index += 1) {
    const entity = entities[index];
    const end = Math.min(entity.offset + entity.length, to);
    if (entity.offset < at || entity.offset >= to) continue;
    if (entity.offset > at) nodes.push(text.slice(at, entity.offset));
    const inner = entities.slice(index + 1).filter((other) => other.offset < end);
    nodes.push(wrapped(entity, text.slice(entity.offset, end), stretch(text, entity.offset, end, inner, actions), actions));
    at = end;
  }
  if (at < to) nodes.push(text.slice(at, to));
  return nodes;
}

function wrapped(entity, text, children, actions) {
  switch (entity.type) {
    case "url":
    case "text_link":
      return link(entity.url ?? text, children, actions);
    case "bot_command":
      return el("a.command", { href: "#", onclick: (event) => { event.preventDefault(); actions.command(text); } }, children);
    case "code":
    case "pre":
      return el(NAMES[entity.type], { title: "Tap to copy", onclick: () => actions.copy(text) }, children);
    case "spoiler": {
      const node = el("span.spoiler", { title: "Tap to show" }, children);
      node.onclick = () => node.classList.add("seen");
      return node;
    }
    default:
      return el(NAMES[entity.type] ?? "span", {}, children);
  }
}

export function link(address, children, actions) {
  const safe = safeAddress(address);
  if (!safe) return el("span", {}, children);
  return el("a", { href: safe, target: "_blank", rel: "noopener noreferrer", title: address,
    onclick: (event) => actions.open(safe, event) }, children);
}

const pad = (number) => String(number).padStart(2, "0");
const dateOf = (seconds) => new Date(seconds * 1000);

export const clockTime = (seconds) => `${pad(dateOf(seconds).getHours())}:${pad(dateOf(seconds).getMinutes())}`;
export const dayKey = (seconds) => dateOf(seconds).toDateString();

export function dayName(seconds, now) {
  const days = Math.round((dateOf(now).setHours(12, 0, 0, 0) - dateOf(seconds).setHours(12, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  const year = dateOf(seconds).getFullYear() === dateOf(now).getFullYear() ? undefined : "numeric";
  return dateOf(seconds).toLocaleDateString("en", { day: "numeric", month: "long", year });
}

export function listTime(seconds, now) {
  if (dayKey(seconds) === dayKey(now)) return clockTime(seconds);
  return dateOf(seconds).toLocaleDateString("en", { day: "numeric", month: "short" });
}

export function fullTime(seconds) {
  const day = dateOf(seconds).toLocaleDateString("en", { weekday: "short", day: "numeric", month: "short" });
  return `${day} · ${clockTime(seconds)}`;
}
