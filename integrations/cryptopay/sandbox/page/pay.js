"use strict";
// Shows one invoice and pays it. All text goes in by textContent: names and descriptions are somebody else's.

const at = (id) => document.getElementById(id);
const hash = location.pathname.split("/").pop();
const SIGNS = { RUB: "₽", USD: "$", EUR: "€", UAH: "₴", KZT: "₸", GEL: "₾", TRY: "₺" };
let invoice = null;
let clockSkew = 0;
let chosen = null;

function money(amount, currency) {
  const text = Number(amount).toLocaleString("en", { maximumFractionDigits: 2 }).replaceAll(",", "\u202f");
  return `${text}\u00a0${SIGNS[currency] ?? currency}`;
}

function coins(amount) {
  return amount.includes(".") ? amount.replace(/\.?0+$/, "") : amount;
}

function option(choice) {
  const label = document.createElement("label");
  const coin = document.createElement("span");
  coin.className = `coin ${choice.asset.toLowerCase()}`;
  coin.textContent = choice.asset.slice(0, 1);
  const name = document.createElement("span");
  name.className = "name";
  const code = document.createElement("small");
  code.textContent = choice.asset;
  name.append(choice.name, code);
  const price = document.createElement("span");
  price.className = "price";
  price.textContent = coins(choice.amount);
  const radio = document.createElement("input");
  radio.type = "radio";
  radio.name = "asset";
  radio.checked = choice.asset === chosen;
  radio.addEventListener("change", () => { chosen = choice.asset; showPayButton(); });
  label.append(coin, name, price, radio);
  return label;
}

function showPayButton() {
  const choice = invoice.options.find((each) => each.asset === chosen);
  at("pay").textContent = `Pay ${coins(choice.amount)} ${choice.asset}`;
}

function details(rows) {
  at("details").replaceChildren(...rows.flatMap(([name, value]) => {
    const term = document.createElement("dt");
    const text = document.createElement("dd");
    term.textContent = name;
    text.textContent = value;
    return [term, text];
  }));
  at("details").hidden = rows.length === 0;
}

function timeLeft() {
  if (!invoice.expiration_date) return "Open";
  const seconds = Math.max(0, Math.ceil((Date.parse(invoice.expiration_date) - Date.now() - clockSkew) / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function show(next) {
  const first = invoice === null;
  const changed = first || next.status !== invoice.status;
  invoice = next;
  clockSkew = Date.parse(invoice.now) - Date.now();
  if (!changed) return;
  chosen ??= invoice.options[0].asset;
  const asked = money(invoice.amount, invoice.fiat ?? invoice.asset);
  document.title = `${asked} · ${invoice.app}`;
  at("card").className = `card ${invoice.status}`;
  at("card").hidden = false;
  at("avatar").textContent = invoice.app.slice(0, 1);
  at("app").textContent = invoice.app;
  at("number").textContent = `Invoice #${invoice.invoice_id}`;
  at("amount").textContent = asked;
  at("description").textContent = invoice.description ?? "";
  const active = invoice.status === "active";
  at("assets").hidden = !active;
  at("pay").hidden = !active;
  if (active) {
    at("options").replaceChildren(...invoice.options.map(option));
    showPayButton();
  }
  at("sign").setAttribute("d", invoice.status === "paid" ? "M17 29l8 8 15-17" : "M28 15v14l9 6");
  showEnd();
  tick();
}

function showEnd() {
  const paid = invoice.status === "paid";
  details(paid ? [
    ["Paid", `${coins(invoice.paid_amount)} ${invoice.paid_asset}`],
    ["Date", new Date(invoice.paid_at).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" })],
  ] : []);
  at("note").textContent = paid ? invoice.hidden_message ?? ""
    : invoice.status === "expired" ? "The time to pay is over. Ask the shop for a new invoice." : "";
  const url = invoice.paid_btn_url ?? "";
  at("return").hidden = !(paid && /^https?:\/\//.test(url));
  if (!at("return").hidden) {
    at("return").href = url;
    at("return").textContent = invoice.paid_btn_name === "openBot" ? "Back to the bot" : "Return";
  }
}

function tick() {
  const words = { paid: "Paid", expired: "Expired" };
  at("state").textContent = words[invoice.status] ?? timeLeft();
}

function complain(sentence) {
  at("problem").textContent = sentence;
  at("problem").hidden = !sentence;
}

async function load() {
  try {
    const answer = await fetch(`/sandbox/invoices/${encodeURIComponent(hash)}`);
    const body = await answer.json();
    if (answer.ok) { complain(""); show(body); } else { showNothing(body.error); }
  } catch {
    if (invoice) complain("The sandbox does not answer.");
  }
}

function showNothing(sentence) {
  at("card").hidden = false;
  at("card").className = "card expired";
  at("head").hidden = true;
  at("amount").textContent = "No invoice";
  at("description").textContent = sentence;
  at("sign").setAttribute("d", "M19 19l18 18M37 19L19 37");
}

async function pay() {
  at("pay").disabled = true;
  complain("");
  try {
    const answer = await fetch("/sandbox/pay", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ hash, asset: chosen }),
    });
    const body = await answer.json();
    if (answer.ok) show(body); else { complain(body.error); await load(); }
  } catch {
    complain("The sandbox does not answer.");
  } finally {
    at("pay").disabled = false;
  }
}

at("pay").addEventListener("click", pay);
setInterval(() => invoice && tick(), 500);
setInterval(() => { if (!document.hidden && invoice?.status === "active") load(); }, 2000);
load();
