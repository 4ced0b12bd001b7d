// One person's chat with the bot: header, messages, composer.

import * as api from "./api.js";
import { amount, avatar, el, iconButton, safeAddress, star } from "./dom.js";
import { dayKey, dayName } from "./format.js";
import { Composer } from "./composer.js";
import { renderMessage } from "./message.js";
import { alertSheet, paymentSheet, subscriptionsSheet, toast, zoom } from "./overlay.js";

const TYPING_MS = 5000;
const NEAR_END_PX = 120;

export class Chat {
  // `app`: bot(), person(id), now(), openBeside(id), close(id), back().
  constructor(app, personId) {
    this.app = app;
    this.personId = personId;
    this.messages = new Map(); // message_id -> {message, node}
    this.days = new Map();
    this.empty = el("div.empty");
    this.revision = 0;
    this.typing = 0;
    this.load = api.coalesced(() => this.#fetch());
    this.following = true;
    this.scrollTop = 0;
    this.#build();
  }

  #build() {
    this.title = el("div.chat-title");
    this.viewer = el("div.viewer");
    this.face = el("span");
    this.list = el("div.messages");
    this.scroll = el("div.scroll", { onscroll: () => this.#scrolled() }, this.list);
    this.toEnd = iconButton("down", "To the end", () => this.#scrollToEnd("smooth"), "to-end");
    this.toEnd.hidden = true;
    this.composer = new Composer({ send: (text) => this.send(text), commands: () => this.app.introduction(this.personId).commands });
    const back = iconButton("back", "Back", () => this.app.back(), "back");
    const head = el("header.chat-head", {}, back, this.face, this.title, this.viewer,
      iconButton("more", "More", () => this.#menu()));
    this.bottom = el("footer.bottom");
    new ResizeObserver(() => { if (this.following) this.#scrollToEnd(); }).observe(this.scroll);
    this.node = el("section.chat", {}, head, el("div.wall", {}, this.scroll, this.toEnd), this.bottom);
    this.refresh();
  }

  // The header and the foot, from what the app knows of the bot and the person.
  refresh() {
    const bot = this.app.bot();
    const person = this.app.person(this.personId);
    const typing = Date.now() < this.typing;
    const status = typing ? "typing…" : bot.online ? "online" : "bot is not running";
    this.face.replaceChildren(avatar(bot.name, "bot", "small"));
    this.title.replaceChildren(el("b", {}, bot.name),
      el(typing || bot.online ? "span.live" : "span", {}, status));
    this.viewer.replaceChildren(avatar(person.first_name, person.id % 7, "tiny"),
      el("span.name", {}, person.first_name), el("span.stars", {}, star(), ` ${amount(person.stars)}`));
    this.viewer.title = `You are ${person.first_name} (${person.id})`;
    this.node.setAttribute("aria-label", `${person.first_name}'s chat with ${bot.name}`);
    this.#foot(person);
    this.#arrange();
  }

  #foot(person) {
    const kind = person.blocked ? "blocked" : person.started ? "composer" : "start";
    if (kind === this.foot) return;
    this.foot = kind;
    const wide = (text, onclick) => el("button.wide", { type: "button", onclick }, text);
    this.bottom.replaceChildren(
      kind === "composer" ? this.composer.node
        : kind === "start" ? wide("Start", () => this.send("/start"))
          : wide("Unblock", () => this.#try(() => api.setBlocked(this.personId, false))));
  }

  // Fetches what changed.
  async #fetch() {
    const { revision, messages } = await api.getMessages(this.personId, this.revision);
    this.revision = revision;
    for (const message of messages) this.#put(message);
    this.#arrange();
    if (messages.some((message) => message.from === "bot")) this.typing = 0;
    if (this.following || messages.some((message) => message.from === "person" && !message.edit_date)) this.#scrollToEnd();
    if (messages.length) this.seen();
  }

  #put(message) {
    const known = this.messages.get(message.message_id);
    if (message.deleted) {
      known?.node.remove();
      this.messages.delete(message.message_id);
      return;
    }
    const node = renderMessage(message, this.#actions());
    if (known) {
      node.style.animation = "none";
      known.node.replaceWith(node);
    }
    this.messages.set(message.message_id, { message, node });
  }

  // Puts the messages in order, with a line for each day and a tail on the last of a row of bubbles.
  #arrange() {
    const entries = [...this.messages.values()].sort((a, b) => a.message.message_id - b.message.message_id);
    const nodes = [];
    entries.forEach(({ message, node }, index) => {
      const before = entries[index - 1]?.message;
      const after = entries[index + 1]?.message;
      const newDay = !before || dayKey(before.date) !== dayKey(message.date);
      if (newDay) nodes.push(this.#day(message.date));
      node.classList.toggle("first", newDay || before.from !== message.from);
      node.classList.toggle("last", !after || after.from !== message.from || dayKey(after.date) !== dayKey(message.date));
      nodes.push(node);
    });
    if (!nodes.length) nodes.push(this.#hint());
    // Nodes that stay are not touched: moving one would start its animation again.
    nodes.forEach((node, index) => {
      if (this.list.childNodes[index] !== node) this.list.insertBefore(node, this.list.childNodes[index] ?? null);
    });
    while (this.list.childNodes.length > nodes.length) this.list.lastChild.remove();
    const keyboards = entries.filter(({ message }) => message.reply_keyboard);
    this.composer.setKeyboard(keyboards.at(-1)?.message.reply_keyboard ?? []);
  }

  #day(date) {
    const key = dayKey(date);
    if (!this.days.has(key)) this.days.set(key, el("div.day"));
    this.days.get(key).textContent = dayName(date, this.app.now());
    return this.days.get(key);
  }

  #hint() {
    const { description } = this.app.introduction(this.personId);
    this.empty.replaceChildren(el("b", {}, "What can this bot do?"),
      el("p", {}, description || `Press Start to talk to ${this.app.bot().name}.`));
    return this.empty;
  }

  #actions() {
    return {
      botName: () => this.app.bot().name,
      command: (text) => this.send(text),
      copy: (text) => this.copy(text),
      zoom: (address) => zoom(this.node, address),
      press: (message, button, index) => this.press(message, button, index),
      open: (address, event) => this.open(address, event),
    };
  }

  async send(text) {
    await this.#try(() => api.sendText(this.personId, text));
  }

  async press(message, button, index) {
    if (button.kind === "pay") {
      this.#payment(message.invoice, { message_id: message.message_id });
    } else if (button.kind === "copy") {
      this.copy(button.data);
    } else if (button.kind === "callback") {
      const answer = await this.#try(() => api.press(this.personId, message.message_id, index));
      if (answer?.url) this.open(answer.url);
    } else {
      this.open(button.url);
    }
  }

  // Telegram's own addresses act here (an invoice, a start parameter); all others open in a new tab.
  open(address, event = null) {
    const safe = safeAddress(address);
    if (!safe) {
      toast(this.node, `A browser cannot open ${address}`);
      return;
    }
    const url = new URL(safe);
    const bot = this.app.bot();
    const start = url.searchParams.get("start");
    if (url.hostname === "t.me" && url.pathname.startsWith("/$")) {
      event?.preventDefault();
      this.#try(async () => this.#payment(await api.getInvoice(address), { link: address }));
    } else if (url.hostname === "t.me" && url.pathname.slice(1) === bot.username) {
      event?.preventDefault();
      if (start !== null) this.send(`/start ${start}`.trim());
    } else if (!event) {
      window.open(safe, "_blank", "noopener");
    }
  }

  #payment(invoice, target) {
    paymentSheet(this.node, {
      invoice,
      botName: this.app.bot().name,
      person: this.app.person(this.personId),
      pay: () => api.pay(this.personId, target),
      done: () => toast(this.node, "Payment successful"),
    });
  }

  #subscriptions(person) {
    subscriptionsSheet(this.node, person.subscriptions, async ({ id }, canceled) => {
      const changed = await this.#try(() => api.stopSubscription(person.id, id, canceled));
      return (changed ?? this.app.person(person.id)).subscriptions;
    });
  }

  async copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      toast(this.node, "Copied to clipboard");
    } catch {
      toast(this.node, "The browser did not allow copying");
    }
  }

  // The bot answered a button press of this person.
  answered({ text, show_alert: alert }) {
    if (!text) return;
    if (alert) alertSheet(this.node, this.app.bot().name, text);
    else toast(this.node, text);
  }

  isTyping() {
    this.typing = Date.now() + TYPING_MS;
    this.refresh();
    setTimeout(() => this.refresh(), TYPING_MS + 50);
  }

  seen() {
    if (document.visibilityState === "visible" && this.app.person(this.personId).unread) {
      this.#try(() => api.markRead(this.personId));
    }
  }

  #menu() {
    const person = this.app.person(this.personId);
    const list = el("div.menu-list");
    const item = (text, act, className = "") => el(className ? `button.${className}` : "button",
      { type: "button", onclick: () => { list.remove(); act(); } }, text);
    list.append(
      item("Add 1,000 Stars", () => this.#try(() => api.changePerson(person.id, { stars: person.stars + 1000 }))),
      item(person.card === "works" ? "Let the card be declined" : "Let the card work",
        () => this.#try(() => api.changePerson(person.id, { card: person.card === "works" ? "declined" : "works" }))),
      person.subscriptions ? item("Subscriptions", () => this.#subscriptions(person)) : "",
      item("Close chat", () => this.app.close(this.personId)),
      item(person.blocked ? "Unblock bot" : "Block bot",
        () => this.#try(() => api.setBlocked(person.id, !person.blocked)), "danger"));
    this.node.append(list);
    setTimeout(() => document.addEventListener("click", () => list.remove(), { once: true }));
  }

  async #try(act) {
    try {
      return await act();
    } catch (error) {
      toast(this.node, error.message);
      return null;
    }
  }

  #isNearEnd() {
    return this.scroll.scrollHeight - this.scroll.scrollTop - this.scroll.clientHeight < NEAR_END_PX;
  }

  #scrollToEnd(behavior = "instant") {
    this.following = true;
    this.scroll.scrollTo({ top: this.scroll.scrollHeight, behavior });
  }

  // Only a person scrolls up; while nobody did, new messages keep the end in sight.
  #scrolled() {
    const nearEnd = this.#isNearEnd();
    if (nearEnd || this.scroll.scrollTop < this.scrollTop) this.following = nearEnd;
    this.scrollTop = this.scroll.scrollTop;
    this.toEnd.hidden = nearEnd || this.following;
  }
}
