"""Every method of the Bot API that the sandbox knows, by its name in lower case, as Telegram compares it."""

from collections.abc import Awaitable, Callable
from typing import Final

from integrations.telegram.sandbox import bot_methods as bot
from integrations.telegram.sandbox import message_methods as messages
from integrations.telegram.sandbox import payment_methods as payments
from integrations.telegram.sandbox import update_methods as updates
from integrations.telegram.sandbox.parameters import Parameters
from integrations.telegram.sandbox.service import Service

#: Reads its parameters, acts, and returns the result; raises `BotApiError` to refuse.
Method = Callable[[Service, Parameters], object | Awaitable[object]]

METHODS: Final[dict[str, Method]] = {
    name.lower(): method
    for name, method in {
        "answerCallbackQuery": messages.answer_callback_query,
        "answerPreCheckoutQuery": payments.answer_pre_checkout_query,
        "close": bot.log_out,
        "createInvoiceLink": payments.create_invoice_link,
        "deleteMessage": messages.delete_message,
        "deleteMyCommands": bot.delete_my_commands,
        "deleteWebhook": updates.delete_webhook,
        "editMessageCaption": messages.edit_message_caption,
        "editMessageReplyMarkup": messages.edit_message_reply_markup,
        "editMessageText": messages.edit_message_text,
        "editUserStarSubscription": payments.edit_user_star_subscription,
        "getChat": bot.get_chat,
        "getChatMember": bot.get_chat_member,
        "getFile": bot.get_file,
        "getMe": bot.get_me,
        "getMyCommands": bot.get_my_commands,
        "getMyDescription": bot.get_my_description,
        "getMyName": bot.get_my_name,
        "getMyShortDescription": bot.get_my_short_description,
        "getMyStarBalance": payments.get_my_star_balance,
        "getStarTransactions": payments.get_star_transactions,
        "getUpdates": updates.get_updates,
        "getWebhookInfo": updates.get_webhook_info,
        "logOut": bot.log_out,
        "refundStarPayment": payments.refund_star_payment,
        "sendChatAction": bot.send_chat_action,
        "sendDocument": messages.send_document,
        "sendInvoice": payments.send_invoice,
        "sendMessage": messages.send_message,
        "sendPhoto": messages.send_photo,
        "setChatMenuButton": bot.set_chat_menu_button,
        "setMyCommands": bot.set_my_commands,
        "setMyDescription": bot.set_my_description,
        "setMyName": bot.set_my_name,
        "setMyShortDescription": bot.set_my_short_description,
        "setWebhook": updates.set_webhook,
    }.items()
}
