"""From a client's frame to the handler of its message, and back.

text ─> validate_json on the tagged union ─> receive_message ─> handler ─> send_message
where receive_json or handle_json is overridden:
text ─> decoded JSON ─> receive_json ─> handle_json ─> (as above)
"""

from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from chanx.core.adapters import is_message_error
from chanx.core.calling import call_handler
from chanx.core.failures import log_failure
from chanx.core.incoming import decamelized_json, problems
from chanx.core.sending import Sending
from chanx.messages.base import BaseMessage
from chanx.messages.outgoing import CompleteMessage, ErrorMessage

_ANY_JSON: TypeAdapter[Any] = TypeAdapter(Any)
_COMPLETE = CompleteMessage()


class Dispatching(Sending):
    """The part of a consumer that handles what its client sends.

    A failure in it never closes the socket, and its text never reaches the client.
    """

    _own_json_hooks: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        plain = (Dispatching.receive_json, Dispatching.handle_json)
        cls._own_json_hooks = (cls.receive_json, cls.handle_json) != plain

    async def receive_text(self, text: str) -> None:
        """Handle one text frame; none once the connection is closed. Never raises."""
        if self.is_closed:
            return
        try:
            if self._own_json_hooks:
                await self._receive_decoded(text)
            else:
                await self._handle(text)
        except Exception as error:
            await self._last_resort(error)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Take the decoded JSON of a frame. Overridable."""
        await self.handle_json(content)

    async def handle_json(self, content: Any) -> None:
        """Validate decoded JSON, hand the message to ``receive_message`` and send the completion. Overridable."""
        await self._handle(to_json(content))

    async def receive_message(self, message: BaseMessage) -> None:
        """Run the handler of a message and send its answer. Overridable."""
        action = self.handler_table.tag_of(message)
        try:
            answer = await call_handler(self, self.handler_table.messages[action], message)
            if answer is not None:
                await self.send_last(answer)
        except Exception as error:
            await self.handle_message_handler_error(error, action, message)

    async def handle_validation_error(self, error: ValidationError) -> None:
        """Answer a frame that is no valid message: an error frame listing type, place and text. Overridable."""
        await self.send_message(
            ErrorMessage(payload=problems(self.handler_table, error, camelize=self.should_camelize))
        )

    async def handle_message_handler_error(self, error: Exception, action: str, message: BaseMessage) -> None:
        """Answer a message whose handler raised: a general text; the details are logged. Overridable."""
        log_failure("message_handler_failed", error, consumer=type(self).__name__, action=action)
        await self.send_message(ErrorMessage(payload={"detail": f"Failed to process message for {action}"}))

    async def handle_json_processing_error(self, error: Exception) -> None:
        """Answer a frame that failed before any handler was found: a general text, logged. Overridable."""
        log_failure("frame_failed", error, consumer=type(self).__name__)
        await self.send_message(ErrorMessage(payload={"detail": "Failed to process message"}))

    async def receive_without_handlers(self, data: str | bytes) -> None:
        """Take a frame where the class has no message handler at all."""
        raise RuntimeError(f"No message handlers registered for {type(self).__name__}")

    async def _receive_decoded(self, text: str) -> None:
        try:
            content = _ANY_JSON.validate_json(text)
        except ValidationError as error:
            await self.handle_validation_error(error)
        else:
            await self.receive_json(content)

    async def _handle(self, data: str | bytes) -> None:
        adapter = self.handler_table.incoming_message_adapter
        if adapter is None:
            await self.receive_without_handlers(data)
            return
        is_message = True
        try:
            try:
                message = adapter.validator.validate_json(
                    decamelized_json(self.handler_table, data) if self.should_camelize else data
                )
            except ValidationError as error:
                is_message = is_message_error(error)
                await self.handle_validation_error(error)
            else:
                if self.logs_frames:
                    self.log_frame("Websocket received", self.handler_table.tag_of(message))
                await self.receive_message(message)
        except Exception as error:  # of a validator or a hook: the client waits for the completion all the same
            await self._last_resort(error)
        if is_message and self.should_send_completion:
            await self.send_last(_COMPLETE)

    async def _last_resort(self, error: Exception) -> None:
        try:
            await self.handle_json_processing_error(error)
        except Exception as second:
            log_failure("error_hook_failed", second, consumer=type(self).__name__)
