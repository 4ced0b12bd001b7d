// Where a person writes: the menu of commands, the text, the keyboard that a bot may put in its place.

import { el, icon, iconButton } from "./dom.js";

export class Composer {
  // `actions`: send(text), commands() -> [{command, description}].
  constructor(actions) {
    this.actions = actions;
    this.chosen = 0;
    this.input = el("textarea", { rows: 1, placeholder: "Message", oninput: () => this.#changed(),
      onkeydown: (event) => this.#key(event) });
    this.input.setAttribute("aria-label", "Message");
    this.menu = el("button.menu", { type: "button", title: "Commands", onclick: () => this.#toggleMenu() },
      icon("menu", 18), "Menu");
    this.commands = el("div.commands", { hidden: true });
    this.keyboard = el("div.reply-keys", { hidden: true });
    this.send = iconButton("send", "Send", () => this.#send(), "send");
    this.node = el("div", {}, this.commands,
      el("div.composer", {}, this.menu, this.input, this.send), this.keyboard);
    this.#changed();
  }

  setKeyboard(rows) {
    this.keyboard.hidden = rows.length === 0;
    this.keyboard.replaceChildren(...rows.map((row) => el("div", {}, row.map((text) =>
      el("button", { type: "button", onclick: () => this.actions.send(text) }, text)))));
    this.menu.hidden = this.actions.commands().length === 0;
  }

  #changed() {
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${this.input.scrollHeight}px`;
    this.send.disabled = !this.input.value.trim();
    this.send.style.opacity = this.send.disabled ? .45 : 1;
    const typed = /^\/(\w*)$/u.exec(this.input.value);
    this.#show(typed ? this.actions.commands().filter(({ command }) => command.startsWith(typed[1])) : []);
  }

  #show(commands) {
    this.shown = commands;
    this.chosen = Math.min(this.chosen, Math.max(commands.length - 1, 0));
    this.commands.hidden = commands.length === 0;
    this.commands.replaceChildren(...commands.map(({ command, description }, index) =>
      el(index === this.chosen ? "button.chosen" : "button", { type: "button", onclick: () => this.#choose(command) },
        el("b", {}, `/${command}`), el("span", {}, description))));
  }

  #toggleMenu() {
    this.#show(this.commands.hidden ? this.actions.commands() : []);
  }

  #choose(command) {
    this.input.value = `/${command}`;
    this.#send();
  }

  #key(event) {
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move && this.shown.length) {
      event.preventDefault();
      this.chosen = (this.chosen + move + this.shown.length) % this.shown.length;
      this.#show(this.shown);
    } else if (event.key === "Escape") {
      this.#show([]);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (this.shown.length) this.#choose(this.shown[this.chosen].command);
      else this.#send();
    }
  }

  #send() {
    const text = this.input.value.trim();
    if (!text) return;
    this.input.value = "";
    this.#changed();
    this.actions.send(text);
  }
}
