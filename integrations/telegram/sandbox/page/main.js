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
    this.reload = api.coalesced(() => this.#fetch());
  }

  async start() {
    await this.reload();
    this.#show(this.#fromAddress());
    window.addEventListener("popstate", () => this.#show(this.#fromAddress()));
    document.addEventListener("visibilitychange", () => this.chats.forEach((chat) => chat.seen()));
    api.follow((event) => this.#react(event));
    setInterval(() => { if (document.visibilityState === "visible") this.#refresh(this.chats); }, REFRESH_MS);
  }

  // What the columns ask of the app.
  bot() { return this.state.bot; }
  people() { return this.state.people; }
  person(id) { return this.state.people.find((person) => person.id === id); }
  canAdvance() { return this.state.can_advance; }
  now() { return this.state.now && this.state.now + (performance.now() - this.fetched) / 1000; }
  // What the bot says of itself to a person: in their language, or what it says to everybody.
  introduction(id) {
    const everybody = this.state.bot.settings;
    const own = everybody.translations?.[this.person(id)?.language_code.slice(0, 2)];
    return {
      description: own?.description || everybody.description,
      commands: own?.commands?.length ? own.commands : everybody.commands ?? [],
    };
  }
  isOpen(id) { return this.chats.some((chat) => chat.personId === id); }
  open(id) { this.#go([id]); }
  openBeside(id) { this.#go([...this.chats.map((chat) => chat.personId), id]); }
  close(id) { this.#go(this.chats.map((chat) => chat.personId).filter((other) => other !== id)); }
  back() { this.#go([]); }

  async #fetch() {
    this.state = await api.getState();
    this.fetched = performance.now();
    document.title = this.#title();
    this.people_.refresh();
    this.chats.forEach((chat) => chat.refresh());
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
    this.#refresh(this.chats);
  }

  // A server that is away is no news: the stream comes back with it and tells what was missed.
  async #refresh(chats) {
    await Promise.allSettled([this.reload(), ...chats.map((chat) => chat.load())]);
    this.chats.forEach((chat) => chat.seen());
  }

  #react(event) {
    const chat = this.chats.find((open) => open.personId === event.person);
    if (event.kind === "typing") chat?.isTyping();
    else if (event.kind === "answer") chat?.answered(event);
    else {
      const reset = event.kind === "reset";
      this.#refresh(reset ? this.chats : event.kind === "chat" && chat ? [chat] : []);
    }
  }
}

new App().start();
