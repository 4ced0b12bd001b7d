# English. Texts are Telegram's HTML; what stands under "Buttons" or "Without markup" is plain.

## The menu

home =
    👋 Hello, <b>{ $name }</b>!

    This is <b>{ $shop }</b>. Choose a plan, pay, and get your key within seconds.
help = I know these: /start, /plans, /me, /balance, /gift, /code, /language.
help-support = Questions? { $support }
choices =
    🌐 Language: <b>{ $language }</b>
    🕒 Time zone: <b>{ $zone }</b>

    Choose another language or time zone here:

## Buttons

button-plans = 🛒 Plans
button-account = 🔑 My access
button-balance = 💰 Balance
button-gifts = 🎁 Gift
button-code = 🏷 Code
button-invite = 🤝 Invite
button-choices = 🌐 Language
button-trial = 🎁 { $title }
button-gift = 🎁 { $title } · { $price }
button-by-stars-monthly = ⭐ Every month · { $stars }
button-by-card = 💳 Card · { $price }
button-reissue = ♻️ Another key
button-reissue-now = ♻️ Yes, another key
button-auto-renewal = 🔄 Auto-renewal
button-auto-renewal-on = ✅ Switch on
auto-renewal-paused = ⏸ Renewals are paused by the shop just now, so yours waits too. Before it ends, you can renew it yourself.
button-auto-renewal-off = ✖️ Switch off
button-menu = ‹ Menu
button-back = ‹ Back
button-renew = 🔄 Renew
button-renew-for = 🔄 Renew for { $price }
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
ways-to-pay-top-up =
    💰 <b>{ $title }</b>.
    How would you like to pay?
ways-to-pay-gift =
    🎁 A gift: <b>{ $title }</b> for <b>{ $price }</b>.
    How would you like to pay?
ways-to-pay-promo =
    <b>{ $title }</b> for <b>{ $price }</b> instead of { $full }, with the code { $code }.
    How would you like to pay?
plan-traffic = 📊 Traffic: { $traffic }
stars-subscription =
    ⭐ <b>{ $title }</b> for <b>{ $price }</b> every 30 days.
    You can cancel at any time in Telegram's settings.
not-for-sale = This offer is no longer there. Here is what there is now:

## Paying

crypto-invoice =
    🪙 <b>{ $title }</b>: an invoice for <b>{ $price }</b>.
    Pay the invoice and come back: we notice by ourselves.
confirm-balance = 💰 Pay <b>{ $price }</b> for <b>{ $title }</b> from your balance of <b>{ $balance }</b>?
not-enough =
    Your balance does not cover <b>{ $title }</b>: <b>{ $missing }</b> is missing.
    Nothing was charged.
provider-unavailable = The payment service does not answer just now, so there is no invoice for <b>{ $title }</b> yet. Nothing was charged: try again in a minute, or pay another way.
already-paid = <b>{ $title }</b> is paid already; nothing more was charged.
payments-off = ⏸ Nothing can be bought just now: payments are paused for a while. Nothing was charged. What you have keeps working; please try again later.
key-delayed = ⏸ New keys take longer than usual just now. Yours comes here by itself as soon as it is ready; there is nothing to do.
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
account-traffic = 📊 Traffic: <b>{ $used }</b> of { $traffic }
account-traffic-so-far = 📊 Traffic: <b>{ $used }</b>
account-devices = 📱 Devices: up to { $devices }
account-devices-online = 📱 Devices online: { $online } of { $devices }
account-stopped = ⛔ Your traffic is used up, so your access is paused. Renew, and the same key works again at once.
account-connecting = Paid, and being connected: the key comes in a moment.
account-key = <code>{ $key }</code>
account-address =
    Subscription address:
    <code>{ $address }</code>
expired =
    ⏳ <b>{ $title }</b> is over, and your access is switched off.
    Renew, and the same key works again at once.
expired-with-grace =
    ⏳ <b>{ $title }</b> is over. For a while your key still opens Telegram and the pages where you can pay, and nothing else.
    Renew, and it works as before at once.
traffic-runs-out =
    📊 <b>{ $title }</b>: { $used } of your { $traffic } of traffic are used.
    Renew, and the next period's traffic is yours at once, on top of what is left.
traffic-given = 🎁 <b>{ $traffic }</b> of traffic added for you: { $reason }.
traffic-used-up =
    ⛔ <b>{ $title }</b>: all of your { $traffic } of traffic are used, so your access is paused. Your time runs until { $until }.
    Renew, and the same key works again at once.
traffic-used-up-with-grace =
    ⛔ <b>{ $title }</b>: all of your { $traffic } of traffic are used. Until { $until } your key opens Telegram and the pages where you can pay, and nothing else.
    Renew, and it works as before at once.
too-many-devices =
    📱 <b>{ $title }</b> is for { $devices ->
        [one] { $devices } device
       *[other] { $devices } devices
    } at once, and your key is used from { $online } networks just now.
    Disconnect some of them, or the ones that came last will not get through. If they are not yours, get another key under “My access”.
ask-to-reissue =
    ♻️ <b>Another key?</b>
    Your key and your subscription address stop working at once, on all of your devices, and you get new ones.
    Your plan stays as it is.
key-reissued =
    ♻️ Your key and your subscription address have been replaced, and the old ones do not work any more.
    The new ones follow in a moment.
key-reissued-without-plan =
    ♻️ Your key and your subscription address have been replaced, and the old ones do not work any more.
    The new ones come with your next plan.
key-reissued-why = Why: { $reason }
reissued-lately = ♻️ You have got another key just now. You can have the next one at { $at }.

## Trials, codes, gifts, invitations

trial-connecting =
    🎁 <b>{ $title }</b> has begun and lasts until <b>{ $until }</b>.
    Your key is on its way…
trial-connected = 🎁 <b>{ $title }</b> has begun and lasts until <b>{ $until }</b>.
trial-unavailable = The trial is for people who have not had access yet. Here is what there is:
ask-for-code = 🏷 Send me the promo code or the gift's code in a message.
code-refused = <b>{ $code }</b>: { $reason ->
        [unknown] there is no such code. Check the spelling, please.
        [not_yet] this code does not hold yet.
        [over] this code does not hold any more.
        [used_up] this code has been used up.
        [used_by_you] you have used this code already.
        [first_purchase_only] this code is for a first purchase only.
        [subscribers_only] this code is for people with a running subscription.
        [others_only] this code is for people without a running subscription.
        [other_plan] this code is for another plan; at the full price you can go on right away.
        [gift_redeemed] this gift has been redeemed already.
        [gift_void] this gift was refunded.
       *[other] this code cannot be used.
    }
promo-percent = 🏷 <b>{ $code }</b>: { $percent }% off your next purchase.
promo-amount = 🏷 <b>{ $code }</b>: <b>{ $amount }</b> off your next purchase.
promo-days = 🏷 <b>{ $code }</b>: { $days ->
        [one] { $days } day
       *[other] { $days } days
    } of access. Valid until <b>{ $until }</b>.
promo-credit = 🏷 <b>{ $code }</b>: <b>{ $credit }</b> added to your balance.
gifts =
    🎁 <b>Give access to somebody</b>
    You pay and get a code; whoever redeems it is connected.
gift-ready =
    🎁 <b>Paid: { $title }</b> for { $price }. This is the gift's code; it works once:
    <code>{ $code }</code>
gift-link =
    Or send this link:
    { $link }
gift-connecting =
    🎁 A gift for you: <b>{ $title }</b>, until <b>{ $until }</b>.
    Your key is on its way…
gift-connected = 🎁 A gift for you: <b>{ $title }</b>, until <b>{ $until }</b>. You stay connected, with the same key.
gift-taken = 🎁 Your gift was redeemed: <b>{ $title }</b>.
invitation = 🤝 <b>Invite somebody</b>, and what they buy earns you something:
invitation-percent = { $level ->
        [1] • { $percent }% of what your guests pay, onto your balance
       *[other] • { $percent }% of what the guests of your guests pay (level { $level })
    }
invitation-days = • { $days ->
        [one] { $days } day
       *[other] { $days } days
    } of access when { $level ->
        [1] a guest buys something
       *[other] a guest's guest buys something (level { $level })
    }
invitation-link =
    Your link:
    { $link }
invitation-code =
    Your code:
    <code>{ $code }</code>
reward-credit = { $whose ->
        [own] 🤝 Welcome bonus: <b>{ $credit }</b> added to your balance.
       *[invited] 🤝 Somebody you invited has bought a plan: <b>{ $credit }</b> added to your balance.
    }
reward-days = 🤝 { $whose ->
        [own] Welcome bonus:
       *[invited] Somebody you invited has bought a plan, and you get
    } { $days ->
        [one] { $days } day
       *[other] { $days } days
    } of access.

## After a purchase

renewed =
    🔄 <b>{ $title }</b> was renewed from your balance for { $price }.
    Valid until <b>{ $until }</b>. { $balance } is left on your balance.
renewal-short =
    ⚠️ <b>{ $title }</b> ends on <b>{ $until }</b>, and your balance does not cover the renewal for { $price }: <b>{ $missing }</b> is missing.
    Top up, and it is renewed by itself.
auto-renewal-on = 🔄 <b>{ $title }</b> renews by itself from your balance, for { $price } each time.
auto-renewal-off = 🔄 <b>{ $title }</b> does not renew by itself. Switched on, it takes { $price } from your balance shortly before the end.
auto-renewal-monthly = ⭐ Telegram renews <b>{ $title }</b> with your Stars every month, so your balance is left alone. If you have ended that in Telegram, renew once yourself: from then on your balance can do it.
auto-renewal-nothing = There is nothing that could renew by itself: choose a plan first.
credited =
    { $reason ->
        [underpaid] You paid <b>{ $amount }</b>, which is less than the price.
        [overpaid] You paid <b>{ $amount }</b> more than the price.
        [duplicate] You paid <b>{ $amount }</b> for an order that was paid already.
       *[other] We received <b>{ $amount }</b>.
    }
    <b>{ $credit }</b> is on your balance now, which makes <b>{ $balance }</b>.
paid-for-another = You paid <b>{ $amount }</b> for somebody else's <b>{ $title }</b>: they have it now. Thank you!
review-closed = We looked at your payment of <b>{ $amount }</b>: { $note }
refunded = ↩️ Your payment of <b>{ $amount }</b> was sent back.
refunded-purchase = ↩️ Your payment of <b>{ $amount }</b> for <b>{ $title }</b> was sent back, and what it paid for is taken back.
adjusted-up = 💰 <b>{ $amount }</b> was added to your balance: { $reason }. It is <b>{ $balance }</b> now.
adjusted-down = 💰 <b>{ $amount }</b> was taken from your balance: { $reason }. It is <b>{ $balance }</b> now.
time-granted = 🎁 { $days ->
        [one] { $days } day
       *[other] { $days } days
    } of access for you: { $reason }. Valid until <b>{ $until }</b>.
revoked = ⛔ <b>{ $title }</b> was ended: { $reason }.

## Without having been asked

ends-soon =
    ⏰ <b>{ $title }</b> ends on { $at }.
    Renew now, and you stay connected with the same key.
ends-soon-short =
    ⏰ <b>{ $title }</b> ends on { $at }. It would renew by itself, but <b>{ $missing }</b> is missing on your balance.
    Top up, and there is nothing else to do.
trial-ends-soon =
    ⏰ <b>{ $title }</b> ends on { $at }.
    Choose a plan, and you stay connected with the same key.
come-back =
    👋 <b>{ $title }</b> ended on { $at }. Your key waits for you:
    renew, and it works again at once.
trial-come-back =
    👋 <b>{ $title }</b> ended on { $at }. Your key waits for you:
    choose a plan, and it works again at once.

## Broadcasts, for those who make them

broadcast = 📣 <b>Broadcast { $number }</b>: { $state ->
        [draft] a draft. What stands above is what people will see.
        [running] { $action ->
            [edit] being edited…
            [delete] being deleted…
           *[send] being sent…
        }
        [paused] paused.
        [cancelled] cancelled.
       *[done] done.
    }
broadcast-audience = { $audience ->
        [without] For who has no running subscription
        [active] For who has a paid subscription
        [trial] For who is on trial
        [expired] For whose subscription has ended
        [listed] For those on the list
       *[everyone] For everyone
    } ({ $reach })
broadcast-plan = Plan: { $plan }
broadcast-language = Language: { $language }
broadcast-node = Node: { $node }
broadcast-progress = Sent: <b>{ $sent }</b> of { $reach }. Blocked the bot: { $blocked }. Failed: { $failed }.
broadcast-changes = Changed: <b>{ $changed }</b>. Not changed: { $unchanged }.
broadcast-help =
    📣 Write <code>/broadcast</code> and after it what you want to say, with formatting, or as the caption of a picture. Last lines like this one are buttons:
    <code>Our channel - https://t.me/ours</code>

    You see it before anybody else does, and choose for whom it is. <code>/edit_broadcast</code> with a number and another text changes what was sent.
order-refused = ⚠️ { $why }
button-broadcast-start = ▶️ Start
button-broadcast-pause = ⏸ Pause
button-broadcast-resume = ▶️ Go on
button-broadcast-cancel = ✖️ Cancel
button-broadcast-delete = 🗑 Delete for everybody
button-broadcast-audience = { $audience ->
        [without] Without a subscription
        [active] Paid
        [trial] On trial
        [expired] Ended
       *[everyone] Everyone
    }

## Switches

sign-ups-off = ⏸ We do not take new customers just now. Write <code>/start</code> again in a while: you are welcome then.
switches = 🎚 <b>Switches of the shop</b>
switch = { $position ->
        [off] ⏸
       *[on] ✅
    } { $name ->
        [payments] Payments
        [sign_ups] New customers
        [provisioning] Changes on nodes
        [broadcasts] Broadcasts
       *[auto_renewal] Automatic renewals
    }{ $position ->
        [off] {" "}— <b>switched off</b>
       *[on] {""}
    }
switch-worker = ⏸ Worker <code>{ $name }</code> — <b>switched off</b>
switches-how = Who asks for something that is off is told so, and nothing is lost: money that arrives is booked. Any worker: <code>/switch_off NAME</code>, <code>/switch_on NAME</code>.
button-switch-off = ⏸ Switch off: { $name ->
        [payments] payments
        [sign_ups] new customers
        [provisioning] changes on nodes
        [broadcasts] broadcasts
       *[auto_renewal] renewals
    }
button-switch-on = ▶️ Switch on: { $name ->
        [payments] payments
        [sign_ups] new customers
        [provisioning] changes on nodes
        [broadcasts] broadcasts
       *[auto_renewal] renewals
    }

## What administrators are told

notice-paid = 💳 <b>{ $amount }</b> · { $item } · { $provider ->
        [stars] Telegram Stars
        [cryptopay] Crypto Pay
        [cards] card
       *[balance] balance
    } · <code>{ $user }</code>
notice-odd = ⚠️ <b>{ $amount }</b> · { $item } · { $provider ->
        [stars] Telegram Stars
        [cryptopay] Crypto Pay
        [cards] card
       *[balance] balance
    } · <code>{ $user }</code> — { $outcome ->
        [unknown_purchase] for nothing that we know
        [duplicate] paid twice
        [underpaid] less than the price
        [overpaid] more than the price
        [wrong_currency] in another currency
        [late] too late
       *[by_another] paid by somebody else
    }
notice-refund = ↩️ <b>{ $amount }</b> sent back · { $item } · { $provider ->
        [stars] Telegram Stars
        [cryptopay] Crypto Pay
        [cards] card
       *[balance] balance
    } · <code>{ $user }</code>
notice-no-item = unknown
notice-nobody = unknown
notice-more-money = … and { $more } more: { $sums }
notice-alert = 🔴 <b>{ $actor }</b>: { $what }{ $times ->
        [one] {""}
       *[other] {" "}({ $times } times)
    }
notice-alert-over = 🟢 <b>{ $actor }</b>, over: { $what }{ $times ->
        [one] {""}
       *[other] {" "}({ $times } times)
    }
notice-more-alerts = … and { $more } more: see <code>ctl status</code>
report = 📊 <b>{ $day }</b>
report-revenue = 💰 Received: <b>{ $sums }</b>
report-refunded = ↩️ Sent back: { $sums }
report-no-money = nothing
report-came = 👤 New people: <b>{ $came }</b>, trials: { $trials }
report-bought = 🛒 First purchases: <b>{ $first }</b>, renewed: <b>{ $renewed }</b>
report-ended = ⏳ Ended: { $ended }, active now: <b>{ $active }</b>
report-nodes = 🖥 Nodes that answer: { $up } of { $nodes }
report-silent = 🔴 No answer from: { $names }
report-reviews = ⚠️ Payments under review: <b>{ $reviews }</b>

## Without markup: invoices, and why a payment is refused at the last moment

invoice-description = { $shop }: { $title }
refusal-unavailable = Our records do not answer just now. Nothing was charged: please try again.
refusal-off = Payments are paused for a while. Nothing was charged: please try again later.
refusal-unknown = We do not know this invoice. Please choose a plan again with /plans.
refusal-paid = This invoice is paid already. Choose a plan again with /plans to extend.
refusal-price = The price of this invoice is not what we asked. Please choose a plan again with /plans.
refusal-late = This invoice is too old. Nothing was charged: please choose a plan again with /plans.
refusal-code = You have used the promo code of this invoice for another one. Please choose a plan again with /plans.

## Without markup: entries in a VPN app that tell something, where connections would be

entry-expired-renew-in = Expired: renew in { $bot }
entry-expired = Expired: renew in the bot
entry-stopped-renew-in = Traffic used up: renew in { $bot }
entry-stopped = Traffic used up: renew in the bot
entry-unknown-ask = Nothing is at this address: ask { $bot } for yours
entry-unknown = Nothing is at this address: ask the bot for yours
entry-no-servers = No server is set up yet
entry-other-app = Take another app: this one knows none of these servers

## Without markup: the page of a subscription

page-active = Active until { $until }
page-ended = Ended on { $at }
page-traffic = Traffic: { $used } of { $traffic }
page-traffic-so-far = Traffic: { $used }
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
command-gift = Give access to somebody
command-code = Enter a promo code or a gift
command-invite = Invite somebody, and earn by it
command-language = Language and time zone
command-help = What this bot can do
