// The page: what is known, which chats are open, and the stream of events that keeps both true.

import * as api from "./api.js";
import { Chat } from "./chat.js";
import { People } from "./people.js";

// Events tell of everything but a bot that stopped asking for updates.
const REFRESH_MS = 15000;

class App {
  constructor() {
    this.state = { bot: { name: "", settings: {} }, people: [], now: 0 };
    this.chats = [];
    this.people_ = new People(this, document.getElementById("people"));
    this.place = document.getElementById("chats");
  }

  async start() {
    await this.reload();
    this.#show(this.#fromAddress());
    window.addEventListener("popstate", () => this.#show(this.#fromAddress()));
    document.addEventListener("visibilitychange", () => this.chats.forEach((chat) => chat.seen()));
    api.follow((event) => this.#react(event));
    setInterval(() => { if (document.visibilityState === "visible") this.reload(); }, REFRESH_MS);
  }

  // What the columns ask of the app.
  bot() { return this.state.bot; }
  people() { return this.state.people; }
  person(id) { return this.state.people.find((person) => person.id === id); }
  canAdvance() { return this.state.can_advance; }
  now() { return this.state.now && this.state.now + (performance.now() - this.loaded) / 1000; }
  isOpen(id) { return this.chats.some((chat) => chat.personId === id); }
  open(id) { this.#go([id]); }
  openBeside(id) { this.#go([...this.chats.map((chat) => chat.personId), id]); }
  close(id) { this.#go(this.chats.map((chat) => chat.personId).filter((other) => other !== id)); }
  back() { this.#go([]); }

  // Fetches the state; events that come in a burst share a fetch.
  async reload() {
    if (this.loading) {
      this.again = true;
      return;
    }
    this.loading = true;
    this.state = await api.getState();
    this.loaded = performance.now();
    this.loading = false;
    document.title = this.#title();
    this.people_.refresh();
    this.chats.forEach((chat) => chat.refresh());
    if (this.again) {
      this.again = false;
      await this.reload();
    }
  }

  #title() {
    const unread = this.state.people.reduce((sum, person) => sum + person.unread, 0);
    return unread ? `(${unread}) ${this.state.bot.name}` : this.state.bot.name;
  }

  #fromAddress() {
    const ids = (new URLSearchParams(location.search).get("people") ?? "").split(",").map(Number);
    const known = [...new Set(ids)].filter((id) => this.person(id));
    const phone = window.matchMedia("(max-width: 700px)").matches;
    return known.length || phone ? known : this.state.people.slice(0, 1).map((person) => person.id);
  }

  #go(ids) {
    const unique = [...new Set(ids)];
    history.pushState(null, "", unique.length ? `?people=${unique.join(",")}` : "/");
    this.#show(unique);
  }

  #show(ids) {
    this.chats = ids.map((id) => this.chats.find((chat) => chat.personId === id) ?? new Chat(this, id));
    this.place.replaceChildren(...this.chats.map((chat) => chat.node));
    document.body.classList.toggle("chatting", ids.length > 0);
    this.people_.refresh();
    this.chats.forEach((chat) => chat.load().then(() => chat.seen()));
  }

  #react(event) {
    const chat = this.chats.find((open) => open.personId === event.person);
    if (event.kind === "typing") chat?.isTyping();
    else if (event.kind === "answer") chat?.answered(event);
    else {
      if (event.kind === "reset") this.chats.forEach((open) => open.load());
      else if (event.kind === "chat") chat?.load();
      this.reload();
    }
  }
}

new App().start();
