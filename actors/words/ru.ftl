# Русский. Тексты сообщений — HTML Телеграма; под «Кнопки» и «Без разметки» — простой текст.

## Меню

home =
    👋 Здравствуйте, <b>{ $name }</b>!

    Это <b>{ $shop }</b>. Выберите тариф, оплатите — и через несколько секунд получите ключ.
help = Я понимаю команды: /start, /plans, /me, /balance, /gift, /code, /language.
help-support = Остались вопросы? Напишите нам: { $support }
choices =
    🌐 Язык: <b>{ $language }</b>
    🕒 Часовой пояс: <b>{ $zone }</b>

    Здесь можно выбрать другой язык или часовой пояс:

## Кнопки

button-plans = 🛒 Тарифы
button-account = 🔑 Мой доступ
button-balance = 💰 Баланс
button-gifts = 🎁 Подарить
button-code = 🏷 Промокод
button-invite = 🤝 Пригласить
button-choices = 🌐 Язык
button-trial = 🎁 { $title }
button-gift = 🎁 { $title } · { $price }
button-by-stars-monthly = ⭐ Каждый месяц · { $stars }
button-by-card = 💳 Карта · { $price }
button-reissue = ♻️ Новый ключ
button-reissue-now = ♻️ Да, новый ключ
button-auto-renewal = 🔄 Автопродление
button-auto-renewal-on = ✅ Включить
auto-renewal-paused = ⏸ Сейчас магазин приостановил автопродления, и ваше тоже ждёт. До конца срока его можно продлить вручную.
button-auto-renewal-off = ✖️ Выключить
button-menu = ‹ Меню
button-back = ‹ Назад
button-renew = 🔄 Продлить
button-renew-for = 🔄 Продлить за { $price }
button-top-up = ➕ Пополнить
button-plan = { $title } · { $price }
button-top-up-by = ➕ { $title }
button-by-stars = ⭐ Telegram Stars · { $stars }
button-by-crypto = 🪙 Crypto Pay · { $price }
button-by-balance = 💰 Баланс · { $balance }
button-pay = Оплатить { $price }
button-pay-from-balance = ✅ Оплатить { $price }

## Выбор

plans =
    🛒 <b>Тарифы</b>
    Какой вам подходит?
top-ups =
    💰 На вашем балансе <b>{ $balance }</b>.
    На сколько его пополнить?
ways-to-pay =
    <b>{ $title }</b> за <b>{ $price }</b>.
    Как вам удобнее заплатить?
ways-to-pay-top-up =
    💰 <b>{ $title }</b>.
    Как вам удобнее заплатить?
ways-to-pay-gift =
    🎁 Подарок: <b>{ $title }</b> за <b>{ $price }</b>.
    Как вам удобнее заплатить?
ways-to-pay-promo =
    <b>{ $title }</b> за <b>{ $price }</b> вместо { $full }, по коду { $code }.
    Как вам удобнее заплатить?
plan-traffic = 📊 Трафик: { $traffic }
stars-subscription =
    ⭐ <b>{ $title }</b> за <b>{ $price }</b> каждые 30 дней.
    Отменить можно в любой момент в настройках Телеграма.
not-for-sale = Этого предложения больше нет. Вот что есть сейчас:

## Оплата

crypto-invoice =
    🪙 <b>{ $title }</b>: счёт на <b>{ $price }</b>.
    Оплатите счёт и возвращайтесь: мы сами увидим оплату.
confirm-balance = 💰 Оплатить «<b>{ $title }</b>» с баланса? Спишется <b>{ $price }</b>, сейчас на балансе <b>{ $balance }</b>.
not-enough =
    Чтобы оплатить «<b>{ $title }</b>», на балансе не хватает <b>{ $missing }</b>.
    Мы ничего не списали.
provider-unavailable = Платёжный сервис сейчас не отвечает, поэтому счёта на «<b>{ $title }</b>» пока нет. Мы ничего не списали: попробуйте через минуту или выберите другой способ оплаты.
already-paid = «<b>{ $title }</b>» уже оплачено, второй раз мы ничего не списали.
payments-off = ⏸ Сейчас ничего нельзя купить: оплата ненадолго приостановлена. Мы ничего не списали. То, что у вас есть, работает; попробуйте позже.
key-delayed = ⏸ Сейчас новые ключи готовятся дольше обычного. Ваш придёт сюда сам, как только будет готов: делать ничего не нужно.
paid-connecting =
    🎉 <b>Оплачено: { $title }</b> за { $price }.
    Доступ действует до <b>{ $until }</b>. Ваш ключ уже в пути…
paid-connected =
    🎉 <b>Оплачено: { $title }</b> за { $price }.
    Доступ действует до <b>{ $until }</b>. Вы остаётесь на связи, ключ прежний.
topped-up = 🎉 Баланс пополнен на <b>{ $credit }</b>. Теперь на нём <b>{ $balance }</b>.
under-review =
    Мы получили <b>{ $amount }</b>, но { $reason ->
        [unknown_purchase] не смогли понять, за какой это заказ
        [duplicate] этот заказ уже был оплачен раньше
        [underpaid] это меньше, чем цена
        [overpaid] это больше, чем цена
        [wrong_currency] платёж пришёл в другой валюте
       *[other] с этим платежом что-то необычное
    }. Ваши деньги в безопасности: они отложены для вас, и с ними уже разбирается наш сотрудник.

## Доступ

access-ready =
    ✅ <b>Вы подключены до { $until }.</b>

    Отсканируйте код в приложении VPN или нажмите на ключ, чтобы скопировать его:
    <code>{ $key }</code>

    Адрес подписки — для приложений, которые обновляются сами:
    <code>{ $address }</code>
access-without-nodes = ✅ Доступ включён. Ссылки появятся, как только будет настроен сервер.
account-without-plan = 🔑 У вас пока нет тарифа.
account-active = 🔑 «<b>{ $title }</b>», действует до <b>{ $until }</b>
account-ended = ⏳ «<b>{ $title }</b>»: срок закончился { $at }.
account-balance = 💰 Баланс: <b>{ $balance }</b>
account-traffic = 📊 Трафик: <b>{ $used }</b> из { $traffic }
account-traffic-so-far = 📊 Трафик: <b>{ $used }</b>
account-devices = 📱 Устройств: до { $devices }
account-devices-online = 📱 Устройств в сети: { $online } из { $devices }
account-stopped = ⛔ Трафик израсходован, доступ приостановлен. Продлите его — и тот же ключ сразу заработает снова.
account-connecting = Всё оплачено, подключаем вас: ключ появится с минуты на минуту.
account-key = <code>{ $key }</code>
account-address =
    Адрес подписки:
    <code>{ $address }</code>
expired =
    ⏳ Доступ «<b>{ $title }</b>» закончился, ключ отключён.
    Продлите доступ — и тот же ключ сразу заработает снова.
expired-with-grace =
    ⏳ Доступ «<b>{ $title }</b>» закончился. Ещё некоторое время по вашему ключу открываются Телеграм и страницы оплаты, но ничего больше.
    Продлите доступ — и он сразу заработает как прежде.
traffic-runs-out =
    📊 «<b>{ $title }</b>»: израсходовано { $used } трафика из { $traffic }.
    Продлите доступ — и трафик следующего периода сразу добавится к оставшемуся.
traffic-given = 🎁 Вам добавлено <b>{ $traffic }</b> трафика: { $reason }.
traffic-used-up =
    ⛔ «<b>{ $title }</b>»: трафик израсходован ({ $traffic }), доступ приостановлен. Оплаченный срок — до { $until }.
    Продлите доступ — и тот же ключ сразу заработает снова.
traffic-used-up-with-grace =
    ⛔ «<b>{ $title }</b>»: трафик израсходован ({ $traffic }). До { $until } по вашему ключу открываются Телеграм и страницы оплаты, но ничего больше.
    Продлите доступ — и он сразу заработает как прежде.
too-many-devices =
    📱 «<b>{ $title }</b>» рассчитан на { $devices ->
        [one] { $devices } устройство
        [few] { $devices } устройства
        [many] { $devices } устройств
       *[other] { $devices } устройств
    } одновременно, а вашим ключом сейчас пользуются из { $online ->
        [one] { $online } сети
        [few] { $online } сетей
        [many] { $online } сетей
       *[other] { $online } сетей
    }.
    Отключите лишние, иначе подключившиеся последними не смогут пользоваться доступом. Если это не ваши устройства, смените ключ в разделе «Мой доступ».
ask-to-reissue =
    ♻️ <b>Нужен новый ключ?</b>
    Нынешний ключ и адрес подписки сразу перестанут работать на всех ваших устройствах, и вы получите новые.
    Тариф останется прежним.
key-reissued =
    ♻️ Ваш ключ и адрес подписки заменены, прежние больше не работают.
    Новые придут через мгновение.
key-reissued-without-plan =
    ♻️ Ваш ключ и адрес подписки заменены, прежние больше не работают.
    Новые придут вместе со следующим тарифом.
key-reissued-why = Почему: { $reason }
reissued-lately = ♻️ Вы только что получили новый ключ. Следующий можно получить { $at }.

## Пробный период, коды, подарки, приглашения

trial-connecting =
    🎁 Пробный доступ «<b>{ $title }</b>» открыт до <b>{ $until }</b>.
    Ваш ключ уже в пути…
trial-connected = 🎁 Пробный доступ «<b>{ $title }</b>» открыт до <b>{ $until }</b>.
trial-unavailable = Пробный период — для тех, у кого ещё не было доступа. Вот что есть сейчас:
ask-for-code = 🏷 Пришлите промокод или код подарка сообщением.
code-refused = <b>{ $code }</b>: { $reason ->
        [unknown] такого кода нет. Проверьте, пожалуйста, написание.
        [not_yet] этот код ещё не действует.
        [over] этот код больше не действует.
        [used_up] этот код уже израсходован.
        [used_by_you] вы уже использовали этот код.
        [first_purchase_only] этот код — только для первой покупки.
        [subscribers_only] этот код — для тех, у кого есть действующая подписка.
        [others_only] этот код — для тех, у кого нет действующей подписки.
        [other_plan] этот код — для другого тарифа; по полной цене можно продолжить сразу.
        [gift_redeemed] этот подарок уже получен.
        [gift_void] деньги за этот подарок возвращены.
       *[other] этим кодом нельзя воспользоваться.
    }
promo-percent = 🏷 <b>{ $code }</b>: скидка { $percent } % на следующую покупку.
promo-amount = 🏷 <b>{ $code }</b>: скидка <b>{ $amount }</b> на следующую покупку.
promo-days = 🏷 <b>{ $code }</b>: { $days ->
        [one] { $days } день
        [few] { $days } дня
        [many] { $days } дней
       *[other] { $days } дня
    } доступа. Действует до <b>{ $until }</b>.
promo-credit = 🏷 <b>{ $code }</b>: на баланс зачислено <b>{ $credit }</b>.
gifts =
    🎁 <b>Подарить доступ</b>
    Вы платите и получаете код; кто его введёт, тот и подключится.
gift-ready =
    🎁 <b>Оплачено: { $title }</b> за { $price }. Вот код подарка, он действует один раз:
    <code>{ $code }</code>
gift-link =
    Или отправьте эту ссылку:
    { $link }
gift-connecting =
    🎁 Вам подарок: «<b>{ $title }</b>», до <b>{ $until }</b>.
    Ваш ключ уже в пути…
gift-connected = 🎁 Вам подарок: «<b>{ $title }</b>», до <b>{ $until }</b>. Вы остаётесь на связи, ключ прежний.
gift-taken = 🎁 Ваш подарок получен: «<b>{ $title }</b>».
invitation = 🤝 <b>Пригласите друзей</b> — с их покупок вы получите:
invitation-percent = { $level ->
        [1] • { $percent } % от оплат ваших гостей — на баланс
       *[other] • { $percent } % от оплат гостей ваших гостей (уровень { $level })
    }
invitation-days = • { $days ->
        [one] { $days } день
        [few] { $days } дня
        [many] { $days } дней
       *[other] { $days } дня
    } доступа за покупку { $level ->
        [1] вашего гостя
       *[other] гостя вашего гостя (уровень { $level })
    }
invitation-link =
    Ваша ссылка:
    { $link }
invitation-code =
    Ваш код:
    <code>{ $code }</code>
reward-credit = { $whose ->
        [own] 🤝 Приветственный бонус: на баланс зачислено <b>{ $credit }</b>.
       *[invited] 🤝 Ваш гость купил тариф: на баланс зачислено <b>{ $credit }</b>.
    }
reward-days = 🤝 { $whose ->
        [own] Приветственный бонус:
       *[invited] Ваш гость купил тариф, и вам
    } { $days ->
        [one] { $days } день
        [few] { $days } дня
        [many] { $days } дней
       *[other] { $days } дня
    } доступа.

## После покупки

renewed =
    🔄 Доступ «<b>{ $title }</b>» продлён с баланса за { $price }.
    Действует до <b>{ $until }</b>. На балансе осталось { $balance }.
renewal-short =
    ⚠️ Доступ «<b>{ $title }</b>» заканчивается <b>{ $until }</b>, а на продление за { $price } на балансе не хватает <b>{ $missing }</b>.
    Пополните баланс — и мы продлим доступ сами.
auto-renewal-on = 🔄 Автопродление включено: «<b>{ $title }</b>», каждый раз { $price } с баланса.
auto-renewal-off = 🔄 Автопродление выключено: «<b>{ $title }</b>». Если включить его, незадолго до конца срока с баланса спишется { $price }.
auto-renewal-monthly = ⭐ «<b>{ $title }</b>» каждый месяц продлевает Телеграм за звёзды, поэтому с баланса ничего не списывается. Если вы отменили это в настройках Телеграма, продлите один раз сами, и дальше это сможет делать баланс.
auto-renewal-nothing = Пока нечего продлевать: сначала выберите тариф.
credited =
    { $reason ->
        [underpaid] Вы заплатили <b>{ $amount }</b> — это меньше цены.
        [overpaid] Вы заплатили на <b>{ $amount }</b> больше цены.
        [duplicate] Вы заплатили <b>{ $amount }</b> за заказ, который уже был оплачен.
       *[other] Мы получили <b>{ $amount }</b>.
    }
    На баланс зачислено <b>{ $credit }</b>, теперь на нём <b>{ $balance }</b>.
paid-for-another = Вы заплатили <b>{ $amount }</b> за чужой заказ «<b>{ $title }</b>»: он уже у получателя. Спасибо!
review-closed = Мы посмотрели ваш платёж на <b>{ $amount }</b>: { $note }
refunded = ↩️ Ваш платёж на <b>{ $amount }</b> возвращён.
refunded-purchase = ↩️ Ваш платёж на <b>{ $amount }</b> за «<b>{ $title }</b>» возвращён, а оплаченное им отменено.
adjusted-up = 💰 На баланс зачислено <b>{ $amount }</b>: { $reason }. Теперь на нём <b>{ $balance }</b>.
adjusted-down = 💰 С баланса списано <b>{ $amount }</b>: { $reason }. Теперь на нём <b>{ $balance }</b>.
time-granted = 🎁 Вам { $days ->
        [one] { $days } день
        [few] { $days } дня
        [many] { $days } дней
       *[other] { $days } дня
    } доступа: { $reason }. Действует до <b>{ $until }</b>.
revoked = ⛔ Доступ «<b>{ $title }</b>» прекращён: { $reason }.

## Без вопроса от человека

ends-soon =
    ⏰ Доступ «<b>{ $title }</b>» закончится { $at }.
    Продлите его сейчас — и останетесь на связи с тем же ключом.
ends-soon-short =
    ⏰ Доступ «<b>{ $title }</b>» закончится { $at }. Мы продлили бы его сами, но на балансе не хватает <b>{ $missing }</b>.
    Пополните баланс — больше ничего делать не нужно.
trial-ends-soon =
    ⏰ Пробный доступ «<b>{ $title }</b>» закончится { $at }.
    Выберите тариф — и останетесь на связи с тем же ключом.
come-back =
    👋 Доступ «<b>{ $title }</b>» закончился { $at }. Ваш ключ ждёт вас:
    продлите доступ — и он сразу заработает снова.
trial-come-back =
    👋 Пробный доступ «<b>{ $title }</b>» закончился { $at }. Ваш ключ ждёт вас:
    выберите тариф — и он сразу заработает снова.

## Рассылки, для тех, кто их делает

broadcast = 📣 <b>Рассылка { $number }</b>: { $state ->
        [draft] черновик. Выше — то, что увидят люди.
        [running] { $action ->
            [edit] исправляется…
            [delete] удаляется…
           *[send] отправляется…
        }
        [paused] приостановлена.
        [cancelled] отменена.
       *[done] завершена.
    }
broadcast-audience = { $audience ->
        [without] Для тех, у кого нет действующей подписки
        [active] Для тех, у кого есть оплаченная подписка
        [trial] Для тех, у кого пробный период
        [expired] Для тех, у кого подписка закончилась
        [listed] Для тех, кто в списке
       *[everyone] Для всех
    } ({ $reach })
broadcast-plan = Тариф: { $plan }
broadcast-language = Язык: { $language }
broadcast-node = Узел: { $node }
broadcast-progress = Отправлено: <b>{ $sent }</b> из { $reach }. Заблокировали бота: { $blocked }. Не дошло: { $failed }.
broadcast-changes = Изменено: <b>{ $changed }</b>. Не изменено: { $unchanged }.
broadcast-help =
    📣 Напишите <code>/broadcast</code> и после этого текст, с оформлением, или подпишите так картинку. Последние строки такого вида станут кнопками:
    <code>Наш канал - https://t.me/ours</code>

    Вы увидите сообщение раньше всех и выберете, для кого оно. <code>/edit_broadcast</code> с номером и другим текстом изменит уже отправленное.
order-refused = ⚠️ { $why }
button-broadcast-start = ▶️ Начать
button-broadcast-pause = ⏸ Пауза
button-broadcast-resume = ▶️ Продолжить
button-broadcast-cancel = ✖️ Отменить
button-broadcast-delete = 🗑 Удалить у всех
button-broadcast-audience = { $audience ->
        [without] Без подписки
        [active] Оплатившие
        [trial] На пробном
        [expired] Закончилась
       *[everyone] Все
    }

## Выключатели

sign-ups-off = ⏸ Сейчас мы не принимаем новых клиентов. Напишите <code>/start</code> немного позже: будем вам рады.
switches = 🎚 <b>Выключатели магазина</b>
switch = { $position ->
        [off] ⏸
       *[on] ✅
    } { $name ->
        [payments] Оплата
        [sign_ups] Новые клиенты
        [provisioning] Изменения на узлах
        [broadcasts] Рассылки
       *[auto_renewal] Автопродления
    }{ $position ->
        [off] {" "}— <b>выключено</b>
       *[on] {""}
    }
switch-worker = ⏸ Процесс <code>{ $name }</code> — <b>выключен</b>
switches-how = Кто попросит о выключенном, узнает об этом, и ничего не потеряется: пришедшие деньги учитываются. Любой процесс: <code>/switch_off ИМЯ</code>, <code>/switch_on ИМЯ</code>.
button-switch-off = ⏸ Выключить: { $name ->
        [payments] оплату
        [sign_ups] новых клиентов
        [provisioning] изменения на узлах
        [broadcasts] рассылки
       *[auto_renewal] автопродления
    }
button-switch-on = ▶️ Включить: { $name ->
        [payments] оплату
        [sign_ups] новых клиентов
        [provisioning] изменения на узлах
        [broadcasts] рассылки
       *[auto_renewal] автопродления
    }

## Что узнают администраторы

notice-paid = 💳 <b>{ $amount }</b> · { $item } · { $provider ->
        [stars] Telegram Stars
        [cryptopay] Crypto Pay
        [cards] карта
       *[balance] баланс
    } · <code>{ $user }</code>
notice-odd = ⚠️ <b>{ $amount }</b> · { $item } · { $provider ->
        [stars] Telegram Stars
        [cryptopay] Crypto Pay
        [cards] карта
       *[balance] баланс
    } · <code>{ $user }</code> — { $outcome ->
        [unknown_purchase] неизвестно за что
        [duplicate] оплачено дважды
        [underpaid] меньше цены
        [overpaid] больше цены
        [wrong_currency] в другой валюте
        [late] слишком поздно
       *[by_another] заплатил другой человек
    }
notice-refund = ↩️ <b>{ $amount }</b> возвращено · { $item } · { $provider ->
        [stars] Telegram Stars
        [cryptopay] Crypto Pay
        [cards] карта
       *[balance] баланс
    } · <code>{ $user }</code>
notice-no-item = неизвестно
notice-nobody = неизвестно
notice-more-money = … и ещё { $more }: { $sums }
notice-alert = 🔴 <b>{ $actor }</b>: { $what }{ $times ->
        [1] {""}
       *[other] {" "}({ $times }×)
    }
notice-alert-over = 🟢 <b>{ $actor }</b>, прошло: { $what }{ $times ->
        [1] {""}
       *[other] {" "}({ $times }×)
    }
notice-more-alerts = … и ещё { $more }: подробности в <code>ctl status</code>
report = 📊 <b>{ $day }</b>
report-revenue = 💰 Поступило: <b>{ $sums }</b>
report-refunded = ↩️ Возвращено: { $sums }
report-no-money = ничего
report-came = 👤 Новых людей: <b>{ $came }</b>, пробных периодов: { $trials }
report-bought = 🛒 Первых покупок: <b>{ $first }</b>, продлений: <b>{ $renewed }</b>
report-ended = ⏳ Закончилось: { $ended }, действует сейчас: <b>{ $active }</b>
report-nodes = 🖥 Отвечают узлы: { $up } из { $nodes }
report-silent = 🔴 Не отвечают: { $names }
report-reviews = ⚠️ Платежей на проверке: <b>{ $reviews }</b>

## Без разметки: счета и причины, по которым платёж отклонён в последний момент

invoice-description = { $shop }: { $title }
refusal-unavailable = Наша база данных сейчас не отвечает. Мы ничего не списали: попробуйте, пожалуйста, ещё раз.
refusal-off = Оплата ненадолго приостановлена. Мы ничего не списали: попробуйте позже.
refusal-unknown = Мы не знаем этого счёта. Пожалуйста, выберите тариф заново: /plans.
refusal-paid = Этот счёт уже оплачен. Чтобы продлить доступ, выберите тариф заново: /plans.
refusal-price = Сумма этого счёта не та, которую мы назвали. Пожалуйста, выберите тариф заново: /plans.
refusal-late = Этот счёт устарел. Мы ничего не списали: пожалуйста, выберите тариф заново: /plans.
refusal-code = Промокод этого счёта вы уже использовали для другого. Пожалуйста, выберите тариф заново: /plans.

## Без разметки: строки в приложении VPN там, где были бы подключения

entry-expired-renew-in = Срок закончился: продлите в { $bot }
entry-expired = Срок закончился: продлите в боте
entry-stopped-renew-in = Трафик израсходован: продлите в { $bot }
entry-stopped = Трафик израсходован: продлите в боте
entry-unknown-ask = По этому адресу ничего нет: возьмите свой в { $bot }
entry-unknown = По этому адресу ничего нет: возьмите свой в боте
entry-no-servers = Серверы ещё не настроены
entry-other-app = Нужно другое приложение: это не знает таких серверов

## Без разметки: страница подписки

page-active = Действует до { $until }
page-ended = Срок закончился { $at }
page-traffic = Трафик: { $used } из { $traffic }
page-traffic-so-far = Трафик: { $used }
page-connect = Подключение
page-connect-how = Установите приложение и добавьте в него подписку. Новые серверы приложение найдёт само.
page-get = Установить
page-add = Добавить
page-other-devices = Другие приложения и устройства
page-another-device = Другое устройство
page-scan = Отсканируйте код в приложении VPN или камерой, чтобы открыть эту страницу на другом устройстве.
page-scan-bot = Отсканируйте код, чтобы открыть бота на телефоне.
page-copy = Скопировать
page-copied = Скопировано
page-keys = Отдельные ключи
page-keys-how = Для приложений без подписок. Если сервер изменится, такие ключи сами не обновятся.
page-renew = Открыть бота
page-support = Поддержка
page-open-app = Открыть
page-open-app-how = Если ничего не произошло, сначала установите приложение, затем нажмите «Открыть».

## Без разметки: как бот представляется

description = Быстрый и приватный доступ в интернет. Выберите тариф, оплатите — и через несколько секунд получите ключ.
command-plans = Выбрать тариф
command-me = Ваш ключ и срок его действия
command-balance = Ваш баланс и как его пополнить
command-gift = Подарить доступ
command-code = Ввести промокод или код подарка
command-invite = Пригласить друзей и получить бонус
command-language = Язык и часовой пояс
command-help = Что умеет этот бот
