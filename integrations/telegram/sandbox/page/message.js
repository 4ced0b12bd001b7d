// One message as it stands in a chat.

import { el, icon, price, priceText, withStars } from "./dom.js";
import { clockTime, formatted } from "./format.js";

const CORNERS = { url: "link", web_app: "link", pay: "card", copy: "copy" };

// The node of a message; `actions` are the chat's, see chat.js.
export function renderMessage(message, actions) {
  if (message.successful_payment || message.refunded_payment) return service(message, actions);
  const keyed = message.buttons?.length > 0;
  const node = el("article.message", {});
  node.classList.toggle("own", message.from === "person");
  node.classList.toggle("keyed", keyed);
  node.classList.toggle("pictured", Boolean(message.photo));
  node.classList.toggle("captioned", Boolean(message.photo && message.caption));
  node.append(bubble(message, actions));
  if (keyed) node.append(keys(message, actions));
  return node;
}

// A line of plain text for the list of people.
export function summary(message) {
  if (message.text) return message.text.replace(/\s+/gu, " ");
  if (message.photo) return message.caption ? `🖼 ${message.caption}` : "Photo";
  if (message.document) return message.document.file_name;
  if (message.invoice) return message.invoice.title;
  if (message.successful_payment) return `Paid ${sumOf(message.successful_payment)}`;
  if (message.refunded_payment) return `Refunded ${sumOf(message.refunded_payment)}`;
  return "";
}

const sumOf = (payment) => priceText(payment.total_amount, payment.currency);

function service(message, actions) {
  const payment = message.successful_payment ?? message.refunded_payment;
  const sum = sumOf(payment);
  const again = payment.is_recurring && !payment.is_first_recurring;
  const paid = again ? `Your subscription was extended: ${sum} to` : `You paid ${sum} to`;
  const text = message.successful_payment ? `${paid} ${actions.botName()}` : `${actions.botName()} returned ${sum} to you`;
  return el("div.service", {}, el("span", { title: payment.telegram_payment_charge_id }, withStars(text)));
}

function bubble(message, actions) {
  const node = el("div.bubble");
  if (message.photo) node.append(picture(message.photo, actions));
  if (message.document) node.append(file(message.document));
  if (message.invoice) node.append(invoice(message.invoice));
  const text = message.text ?? message.caption;
  if (text) node.append(el("span.words", {}, formatted(text, message.entities, actions)));
  node.append(meta(message), el("span.clear"));
  return node;
}

function meta(message) {
  const node = el("span.meta", {}, message.edit_date ? "edited " : null, clockTime(message.date));
  if (message.from === "person") node.append(icon("read", 16));
  return node;
}

function picture(photo, actions) {
  const frame = el("button.picture", { type: "button", title: "Open", onclick: () => actions.zoom(photo.url) },
    el("img", { src: photo.url, alt: "Photo" }));
  // Room is kept before the picture has arrived, so that nothing below it jumps.
  frame.style.aspectRatio = `${photo.width} / ${photo.height}`;
  return frame;
}

function file(document) {
  const size = document.file_size < 1024 ? `${document.file_size} B` : `${(document.file_size / 1024).toFixed(1)} KB`;
  return el("a.file", { href: document.url, download: document.file_name }, el("i", {}, icon("file")),
    el("span", {}, document.file_name, el("small", {}, size)));
}

function invoice(shown) {
  return el("div.invoice", {}, el("b", {}, shown.title), el("p", {}, shown.description),
    el("div.price", {}, el("span", {}, price(shown.total_amount, shown.currency)),
      el(shown.paid ? "span.paid" : "span", {}, shown.paid ? "Paid ✓" : shown.currency === "XTR" ? "Telegram Stars" : "Card")));
}

function keys(message, actions) {
  let number = 0;
  return el("div.keys", {}, message.buttons.map((row) => el("div", {}, row.map((button) => {
    const index = number;
    number += 1;
    return key(message, button, index, actions);
  }))));
}

function key(message, button, index, actions) {
  const corner = CORNERS[button.kind];
  const node = el("button.key", { type: "button", title: button.url ?? button.text }, withStars(button.text),
    corner ? icon(corner, 12, "corner") : null);
  if (button.style) node.classList.add(button.style);
  node.onclick = async () => {
    if (node.classList.contains("waiting")) return;
    node.classList.add("waiting");
    await actions.press(message, button, index);
    node.classList.remove("waiting");
  };
  return node;
}
