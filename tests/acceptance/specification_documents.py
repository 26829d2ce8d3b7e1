"""What the specification says of AsyncAPI documents on both frameworks: one test per claim, for the module of each."""

from typing import Any

import pytest

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.core.decorators import channel
from chanx.routing.discovery import RouteInfo
from tests.acceptance.specification_claims import Framework
from tests.acceptance.specification_samples import handler_samples


def document(*consumers: Any) -> dict[str, Any]:
    """The document of these consumers, each on a route of its own."""
    routes = [RouteInfo(f"/ws/{number}/", None, "ws://localhost", each) for number, each in enumerate(consumers)]
    return AsyncAPIGenerator(routes).generate()


def messages(content: dict[str, Any]) -> list[str]:
    """The names of the messages that an operation, or its reply, refers to."""
    return [reference["$ref"].rsplit("/", 1)[-1] for reference in content["messages"]]


class DocumentClaims:
    """ "AsyncAPI Documentation Mapping", and what the decorators' parameters are documented by."""

    def test_what_the_channel_decorator_says(self, framework: Framework) -> None:
        found = document(handler_samples(framework.base).notification)["channels"]["notifications"]
        assert found["description"] == "User notification system"
        assert found["tags"] == [{"name": "notifications"}, {"name": "real-time"}]

    def test_the_description_of_the_decorator_overrides_the_docstring(self, framework: Framework) -> None:
        @channel(name="one", description="Said")
        class OneConsumer(framework.base):  # type: ignore[misc, name-defined]
            """Docstring."""

        @channel(name="other")
        class OtherConsumer(framework.base):  # type: ignore[misc, name-defined]
            """Docstring."""

        class ThirdConsumer(framework.base):  # type: ignore[misc, name-defined]
            pass

        found = document(OneConsumer, OtherConsumer, ThirdConsumer)["channels"]
        assert {key: content.get("description") for key, content in found.items()} == {
            "one": "Said",
            "other": "Docstring.",
            "third": None,
        }

    @pytest.mark.parametrize(
        ("name", "operation", "received", "reply"),
        [
            ("example", "handle_ping", "ping_message", ["pong_message"]),
            ("example", "handle_chat", "chat_message", ["chat_notification_message"]),
            ("patterns", "handle_user_message", "user_message", ["system_echo_message"]),
            ("patterns", "handle_chat", "chat_message", ["room_notification_message"]),
        ],
    )
    def test_a_handler_with_an_output_is_received_with_a_reply(
        self, framework: Framework, name: str, operation: str, received: str, reply: list[str]
    ) -> None:
        content = document(getattr(handler_samples(framework.base), name))["operations"][operation]
        assert (content["action"], messages(content)) == ("receive", [received])
        assert messages(content["reply"]) == reply

    def test_a_handler_without_an_output_has_no_reply(self, framework: Framework) -> None:
        content = document(handler_samples(framework.base).patterns)["operations"]["handle_log_event"]
        assert (content["action"], messages(content)) == ("receive", ["log_message"])
        assert "reply" not in content

    def test_what_the_handler_decorator_says(self, framework: Framework) -> None:
        content = document(handler_samples(framework.base).example)["operations"]["handle_chat"]
        assert content["summary"] == "Handle chat messages"
        assert content["description"] == "Process chat messages and broadcast to room members"
        assert content["tags"] == [{"name": "chat"}, {"name": "messaging"}]

    @pytest.mark.parametrize(
        ("name", "operation", "sent"),
        [
            ("mapped", "handle_job_result", ["job_result"]),
            ("mapped", "handle_system_notify", ["system_notification"]),
            ("events", "handle_job_result", ["job_status_message"]),
            ("events", "handle_complex_event", ["notification"]),
        ],
    )
    def test_an_event_is_sent(self, framework: Framework, name: str, operation: str, sent: list[str]) -> None:
        content = document(getattr(handler_samples(framework.base), name))["operations"][operation]
        assert (content["action"], messages(content)) == ("send", sent)
        assert "reply" not in content

    def test_an_events_own_type_is_not_documented(self, framework: Framework) -> None:
        samples = handler_samples(framework.base)
        components = document(samples.mapped, samples.events)["components"]
        assert not {"system_notify_event", "complex_event"} & set(components["messages"])
        assert not {"SystemNotifyEvent", "ComplexEvent"} & set(components["schemas"])
