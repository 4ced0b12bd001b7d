// The left column: everybody who could talk to the bot, and the sandbox's clock.

import * as api from "./api.js";
import { avatar, el, icon, iconButton, withStars } from "./dom.js";
import { fullTime, listTime } from "./format.js";
import { summary } from "./message.js";
import { formSheet, toast } from "./overlay.js";

const LEAPS = [["+1 h", 3600], ["+1 day", 86400], ["+30 days", 30 * 86400]];

export class People {
  // `app`: people(), now(), canAdvance(), isOpen(id), open(id), openBeside(id).
  constructor(app, node) {
    this.app = app;
    this.node = node;
    this.list = el("nav.people-list");
    this.time = el("time");
    this.travel = el("div.travel", { hidden: true }, this.time,
      LEAPS.map(([text, seconds]) => el("button", { type: "button", title: `Move the sandbox's clock by ${text}`,
        onclick: () => this.#advance(seconds) }, text)));
    const add = el("button.new-person", { type: "button", title: "New person", onclick: () => this.#add() }, icon("add"));
    add.setAttribute("aria-label", "New person");
    node.append(el("header.people-head", {}, el("h1", {}, "People")), this.list, this.travel, add);
    setInterval(() => this.#tick(), 1000);
  }

  refresh() {
    this.travel.hidden = !this.app.canAdvance();
    this.node.classList.toggle("travelling", this.app.canAdvance());
    this.#tick();
    const people = [...this.app.people()].sort((a, b) =>
      (b.last_message?.date ?? 0) - (a.last_message?.date ?? 0) || a.id - b.id);
    this.list.replaceChildren(...people.map((person) => this.#entry(person)));
  }

  #entry(person) {
    const last = person.last_message;
    const name = [person.first_name, person.last_name].filter(Boolean).join(" ");
    const text = last ? summary(last) : person.username ? `@${person.username}` : String(person.id);
    const badge = person.unread ? el("span.badge", {}, person.unread) : null;
    const beside = iconButton("beside", "Open beside", (event) => {
      event.stopPropagation();
      this.app.openBeside(person.id);
    }, "beside");
    const node = el("div.person", { role: "button", tabIndex: 0, onclick: () => this.app.open(person.id) },
      avatar(name, person.id % 7),
      el("div.person-text", {},
        el("div.person-line", {}, el("span.person-name", {}, name),
          el("span.person-time", {}, last ? listTime(last.date, this.app.now()) : "")),
        el("div.person-line", {}, el("span.person-last", {}, withStars(text)), badge)),
      beside);
    node.onkeydown = (event) => { if (event.key === "Enter") this.app.open(person.id); };
    node.classList.toggle("open", this.app.isOpen(person.id));
    return node;
  }

  #tick() {
    const now = this.app.now();
    if (now) this.time.textContent = fullTime(now);
  }

  #add() {
    formSheet(document.body, "New person", [["first_name", "Name", ""], ["language_code", "Language", "en"],
      ["stars", "Stars", "1000"]], "Create", async ({ first_name: name, language_code: language, stars }) => {
      const fields = { language_code: language || "en", stars: Number(stars) || 0 };
      const person = await api.addPerson(name ? { ...fields, first_name: name } : fields);
      await this.app.reload();
      this.app.open(person.id);
    });
  }

  async #advance(seconds) {
    try {
      await api.advance(seconds);
    } catch (error) {
      toast(document.body, error.message);
    }
  }
}
