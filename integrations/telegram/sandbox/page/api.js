// The person's side of the sandbox, as functions. A refusal is an Error whose message can be shown.

async function ask(method, path, body) {
  const options = { method, headers: { "content-type": "application/json" } };
  if (method !== "GET") options.body = JSON.stringify(body ?? {});
  const response = await fetch(`/sandbox/${path}`, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

export const getState = () => ask("GET", "state");
export const getMessages = (person, after) => ask("GET", `people/${person}/messages?after=${after}`);
export const addPerson = (fields) => ask("POST", "people", fields);
export const changePerson = (person, fields) => ask("PATCH", `people/${person}`, fields);
export const sendText = (person, text) => ask("POST", `people/${person}/messages`, { text });
export const press = (person, message_id, button) =>
  ask("POST", `people/${person}/press`, { message_id, button, wait: 15 });
export const pay = (person, invoice) => ask("POST", `people/${person}/pay`, invoice);
export const stopSubscription = (person, id, canceled) => ask("POST", `people/${person}/subscriptions`, { id, canceled });
export const getInvoice = (link) => ask("GET", `invoice?link=${encodeURIComponent(link)}`);
export const setBlocked = (person, blocked) => ask("POST", `people/${person}/${blocked ? "block" : "unblock"}`);
export const markRead = (person) => ask("POST", `people/${person}/read`);
export const advance = (seconds) => ask("POST", "advance", { seconds });

// Calls `react(event)` for everything that happens; the browser reconnects and replays by itself.
export function follow(react) {
  const source = new EventSource("/sandbox/events");
  source.onmessage = (message) => react(JSON.parse(message.data));
  return source;
}

// `act`, made to run one at a time: a call that comes while it runs is served by one more run, which later calls share.
export function coalesced(act) {
  let running = null;
  let next = null;
  return function run() {
    if (!running) {
      running = act().finally(() => { running = null; });
      return running;
    }
    next ??= running.catch(() => {}).then(() => {
      next = null;
      return run();
    });
    return next;
  };
}
