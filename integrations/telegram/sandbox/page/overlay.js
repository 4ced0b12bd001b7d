// What comes over a chat: toasts, alerts, the payment sheet, forms, a picture.

import { amount, el, icon, price, star } from "./dom.js";
import { fullTime } from "./format.js";

const TOAST_MS = 3500;

export function toast(host, text) {
  host.querySelector(":scope > .toast")?.remove();
  const node = el("div.toast", {}, text);
  node.setAttribute("role", "status");
  host.append(node);
  setTimeout(() => node.remove(), TOAST_MS);
}

// A layer over `host` that closes on Escape and on a click beside its content; `closed` is called once.
function veil(host, content, closed = () => {}) {
  host.querySelector(":scope > .veil")?.remove();
  const node = el("div.veil", { tabIndex: -1 }, content);
  const close = () => {
    if (!node.isConnected) return;
    node.remove();
    closed();
  };
  node.onclick = (event) => { if (event.target === node) close(); };
  node.onkeydown = (event) => { if (event.key === "Escape") close(); };
  content.setAttribute("role", "dialog");
  host.append(node);
  (content.querySelector("input, .go") ?? node).focus();
  return close;
}

export function alertSheet(host, title, text) {
  const go = el("button.go", { type: "button" }, "OK");
  const close = veil(host, el("div.sheet", {}, el("h2", {}, title), el("p", {}, text), go));
  go.onclick = close;
}

export function zoom(host, address) {
  const image = el("img", { src: address, alt: "Photo" });
  const frame = el("div.zoomed", {}, image);
  const close = veil(host, frame);
  frame.onclick = close;
}

// The payment sheet of an invoice, in Stars or by the person's card; `pay()` resolves to {paid, reason}.
export function paymentSheet(host, { invoice, botName, person, pay, done }) {
  const trouble = el("div.trouble", { hidden: true });
  const inStars = invoice.currency === "XTR";
  const label = ["Pay ", ...price(invoice.total_amount, invoice.currency), invoice.subscription_period ? " a month" : null];
  const go = el("button.go", { type: "button" }, label);
  const cancel = el("button.cancel", { type: "button" }, "Cancel");
  const asked = inStars ? `${amount(invoice.total_amount)} Stars` : price(invoice.total_amount, invoice.currency);
  const period = invoice.subscription_period ? ` every ${invoice.subscription_period / 86400} days, until you cancel` : "";
  const question = el("p", {}, "Do you want to buy ", el("b", {}, invoice.title), " from ", el("b", {}, botName),
    " for ", el("b", {}, asked), `${period}?`);
  const source = inStars ? el("div.balance", {}, "Balance", el("b", {}, star(), ` ${amount(person.stars)}`))
    : el("div.balance", {}, "Test card", el("b", {}, person.card === "works" ? "•••• 4242" : "•••• 0002 (declined)"));
  const close = veil(host, el("div.sheet", {}, source,
    el(inStars ? "div.coin" : "div.coin.plastic", {}, icon(inStars ? "star" : "card")),
    el("h2", {}, period ? "Subscribe" : "Confirm your purchase"), question, trouble, go, cancel));
  cancel.onclick = close;
  go.onclick = async () => {
    go.disabled = true;
    trouble.hidden = true;
    go.replaceChildren("Asking the bot…");
    const outcome = await pay().catch((error) => ({ paid: false, reason: error.message }));
    go.disabled = false;
    go.replaceChildren(...label.filter(Boolean));
    if (outcome.paid) {
      close();
      done();
    } else {
      trouble.textContent = outcome.reason;
      trouble.hidden = false;
    }
  };
}

// The person's Star subscriptions; `stop(subscription, canceled)` resolves to what they are then.
export function subscriptionsSheet(host, subscriptions, stop) {
  const list = el("div.subscriptions");
  const show = (all) => list.replaceChildren(...all.map((each) => el("div", {},
    el("b", {}, each.title), el("span", {}, ...price(each.total_amount, "XTR"), " a month"),
    el("small", {}, `${{ active: "renews", canceled: "ends", over: "ended" }[each.state]} ${fullTime(each.expires)}`),
    each.state === "over" ? null : el("button", { type: "button", onclick: async () => show(await stop(each, each.state === "active")) },
      each.state === "active" ? "Cancel" : "Renew"))));
  show(subscriptions);
  const go = el("button.go", { type: "button" }, "Done");
  const close = veil(host, el("div.sheet", {}, el("h2", {}, "Subscriptions"), list, go));
  go.onclick = close;
}

// A form with text fields `[name, label, value]`; `submit(values)` may throw an Error, which is shown.
export function formSheet(host, title, fields, action, submit) {
  const inputs = fields.map(([name, , value]) => el("input", { name, value, autocomplete: "off" }));
  const trouble = el("div.trouble", { hidden: true });
  const go = el("button.go", { type: "submit" }, action);
  const cancel = el("button.cancel", { type: "button" }, "Cancel");
  const form = el("form.sheet", {}, el("h2", {}, title),
    fields.map(([, label], index) => el("label", {}, label, inputs[index])), trouble, go, cancel);
  const close = veil(host, form);
  cancel.onclick = close;
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      await submit(Object.fromEntries(inputs.map((input) => [input.name, input.value.trim()])));
      close();
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
    }
  };
}
