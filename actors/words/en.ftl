# English. Texts are Telegram's HTML; what stands under "Buttons" or "Without markup" is plain.

## The menu

home =
    👋 Hello, <b>{ $name }</b>!

    This is <b>{ $shop }</b>. Choose a plan, pay, and get your key within seconds.
help = I know these: /start, /plans, /me, /balance.
help-support = Questions? { $support }

## Buttons

button-plans = 🛒 Plans
button-account = 🔑 My access
button-balance = 💰 Balance
button-menu = ‹ Menu
button-back = ‹ Back
button-renew = 🔄 Renew
button-top-up = ➕ Top up
button-plan = { $title } · { $price }
button-top-up-by = ➕ { $title }
button-by-stars = ⭐ Telegram Stars · { $stars }
button-by-crypto = 🪙 Crypto Pay · { $price }
button-by-balance = 💰 Balance · { $balance }
button-pay = Pay { $price }
button-pay-from-balance = ✅ Pay { $price }

## Choosing

plans =
    🛒 <b>Plans</b>
    Which one suits you?
top-ups =
    💰 Your balance is <b>{ $balance }</b>.
    By how much shall it grow?
ways-to-pay =
    <b>{ $title }</b> for <b>{ $price }</b>.
    How would you like to pay?
not-for-sale = This offer is no longer there. Here is what there is now:

## Paying

crypto-invoice =
    🪙 <b>{ $title }</b> for <b>{ $price }</b>.
    Pay the invoice and come back: we notice by ourselves.
confirm-balance = 💰 Pay <b>{ $price }</b> for <b>{ $title }</b> from your balance of <b>{ $balance }</b>?
not-enough =
    Your balance does not cover <b>{ $title }</b>: <b>{ $missing }</b> is missing.
    Nothing was charged.
provider-unavailable = The payment service does not answer just now, so there is no invoice for <b>{ $title }</b> yet. Nothing was charged: try again in a minute, or pay another way.
already-paid = <b>{ $title }</b> is paid already; nothing more was charged.
paid-connecting =
    🎉 <b>Paid: { $title }</b> for { $price }.
    Valid until <b>{ $until }</b>. Your key is on its way…
paid-connected =
    🎉 <b>Paid: { $title }</b> for { $price }.
    Valid until <b>{ $until }</b>. You stay connected, with the same key.
topped-up = 🎉 <b>{ $credit }</b> added. Your balance is <b>{ $balance }</b>.
under-review =
    We received <b>{ $amount }</b>, but { $reason ->
        [unknown_purchase] we could not tell which order it was for
        [duplicate] that order had been paid before
        [underpaid] it is less than the price
        [overpaid] it is more than the price
        [wrong_currency] it came in another currency
       *[other] something about it is unusual
    }. Your money is safe: it is set aside for you, and a person is looking at it.

## Access

access-ready =
    ✅ <b>You are connected until { $until }.</b>

    Scan the code with your VPN app, or tap the key to copy it:
    <code>{ $key }</code>

    Subscription address for apps that update by themselves:
    <code>{ $address }</code>
access-without-nodes = ✅ Your access is on. The links follow as soon as a node is set up.
account-without-plan = 🔑 You have no plan yet.
account-active = 🔑 <b>{ $title }</b> until <b>{ $until }</b>
account-ended = ⏳ <b>{ $title }</b> ended on { $at }.
account-balance = 💰 Balance: <b>{ $balance }</b>
account-connecting = Paid, and being connected: the key comes in a moment.
account-key = <code>{ $key }</code>
account-address =
    Subscription address:
    <code>{ $address }</code>
expired =
    ⏳ <b>{ $title }</b> is over, and your access is switched off.
    Renew, and the same key works again at once.

## Without markup: invoices, and why a payment is refused at the last moment

invoice-description = { $shop }: { $title }
refusal-unavailable = Our records do not answer just now. Nothing was charged: please try again.
refusal-unknown = We do not know this invoice. Please choose a plan again with /plans.
refusal-paid = This invoice is paid already. Choose a plan again with /plans to extend.
refusal-price = The price of this invoice is not what we asked. Please choose a plan again with /plans.

## Without markup: entries in a VPN app that tell something, where connections would be

entry-expired-renew-in = Expired: renew in { $bot }
entry-expired = Expired: renew in the bot
entry-unknown-ask = Nothing is at this address: ask { $bot } for yours
entry-unknown = Nothing is at this address: ask the bot for yours
entry-no-servers = No server is set up yet
entry-other-app = Take another app: this one knows none of these servers

## Without markup: the page of a subscription

page-active = Active until { $until }
page-ended = Ended on { $at }
page-connect = Connect
page-connect-how = Get an app, then add your subscription to it. The app finds new servers by itself.
page-get = Get
page-add = Add
page-other-devices = Other apps and devices
page-another-device = Another device
page-scan = Scan this with a VPN app, or with the camera to open this page there.
page-scan-bot = Scan this to open the bot on your phone.
page-copy = Copy
page-copied = Copied
page-keys = Single keys
page-keys-how = For apps that take no subscription. They do not change by themselves when a server does.
page-renew = Open the bot
page-support = Support
page-open-app = Open
page-open-app-how = If nothing happens, get the app first, then press Open.

## Without markup: how the bot introduces itself

description = Fast and private internet access. Choose a plan, pay, and get your key within seconds.
command-plans = Choose a plan
command-me = Your key, and until when it works
command-balance = Your balance, and how to top it up
command-help = What this bot can do
