"""What a subscription address answers: one value, written in the form that each client app reads.

Pure functions from a `Subscription` to text; who may have it, and from which rows it is made, is the gateway's part.
"""

from integrations.subscription.apps import app_named, platform_of
from integrations.subscription.clients import Form, form_for
from integrations.subscription.content import Subscription, Traffic
from integrations.subscription.headers import headers_for
from integrations.subscription.rendering import Rendered, opening, render
from integrations.subscription.web import PageWords, Visitor

__all__ = [
    "Form",
    "PageWords",
    "Rendered",
    "Subscription",
    "Traffic",
    "Visitor",
    "app_named",
    "form_for",
    "headers_for",
    "opening",
    "platform_of",
    "render",
]
