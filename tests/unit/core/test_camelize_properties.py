"""For random types and data: camelCase out is what it should be, and what it is read back as is what was sent."""

import json
from typing import Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.core.camelize import camelized, camelized_by, packed_names
from chanx.core.decorators import ws_handler
from chanx.core.incoming import decamelized_json
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from tests.unit.core.camelize_forms import models, types


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])  # classes are slow
@given(st.data())
def test_what_a_client_sends_back_is_read_as_what_was_sent(data: st.DataObject) -> None:
    # Given
    form = data.draw(models(types(2)))
    plain, camel = data.draw(form.pairs)
    key = data.draw(st.sampled_from(["action", "message_kind"]))

    class Message(BaseMessage):
        action: Literal["the_message"] = "the_message"
        payload: form.type  # type: ignore[name-defined]

    class Consumer(ChanxWebsocketConsumerMixin):
        camelize = True
        discriminator_field = key

        @ws_handler(input_type=Message)
        async def handle(self, message: Any) -> None: ...

    adapter: Any = Consumer.incoming_message_adapter
    message = Message.model_validate({"action": "the_message", "payload": plain})

    # When
    text = Consumer().encode(message)

    # Then
    frame = json.loads(text)
    assert frame == {key: "the_message", "payload": camel}
    assert adapter.validate_json(decamelized_json(Consumer.handler_table, text)) == message
    assert camelized(Message, frame, key) == frame

    # And a consumer that does not know the type does the same with a broadcast
    content = {key: "the_message", "payload": message.model_dump(mode="json")["payload"]}
    names = packed_names(Message)
    assert frame == (content if names is None else camelized_by(names, content, key))
