"""The one tree of chanx's errors. Every message names the mistake and what to change."""


class ChanxError(Exception):
    """The base of every error chanx raises."""


class MissingExtraError(ChanxError, ImportError):
    """A part of chanx was used whose optional dependencies are not installed; the text has the pip line."""


class ConfigurationError(ChanxError):
    """A setting or an option is missing or contradicts another."""


class ClientOutputError(ChanxError):
    """A generated client cannot be written to that directory; the text names what to change. Nothing was touched."""


class DocumentError(ChanxError, ValueError):
    """An AsyncAPI document that cannot be read; the text names the place in it and what to change."""


class DocumentNotFoundError(DocumentError, FileNotFoundError):
    """The file of an AsyncAPI document is not there."""


class ContractViolationError(ChanxError, AssertionError):
    """Consumers have sent what their AsyncAPI document does not have, or a document breaks an older one; says where."""


class DescriptionError(ChanxError, TypeError):
    """A message cannot be described in an AsyncAPI document; the text names the field and what to change there."""


class PublisherError(ConfigurationError):
    """A channel layer cannot be published to from here; the text names the layer and what to change."""


class InvalidNameError(ChanxError, ValueError):
    """A group, channel, topic or job name that a channel layer would refuse."""


class EventTooLargeError(ChanxError, ValueError):
    """An event over the configured size; it reached nobody. The text has its type and its size in bytes."""


class ModelRefusedError(ChanxError, ValueError):
    """A Pydantic model in a task message or a result that is not registered, was tampered with, or would be changed."""


class JobError(ChanxError):
    """Raise it in a task to end the job as failed with a text that is **shown to the user**.

    Any other exception also fails the job, but its text stays in the worker's log: the browser gets a general message.
    ``code`` is a short machine-readable word for the client's code (``"empty_file"``).
    """

    def __init__(self, message: str, *, code: str = "error") -> None:
        super().__init__(message, code)
        self.message = message
        self.code = code

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        # Celery pickles exceptions between processes, and the default would lose the keyword.
        return (_rebuild_job_error, (self.message, self.code))


def _rebuild_job_error(message: str, code: str) -> JobError:
    return JobError(message, code=code)


class JobNotFoundError(ChanxError, LookupError):
    """There is no such job, or it is not the caller's: the two look the same on purpose."""


class TooManyJobsError(ChanxError):
    """The owner has as many active jobs as ``install(max_active_jobs=)`` allows; the text has the number."""


class JobActiveError(ChanxError):
    """A job that has not ended cannot be deleted: cancel it first."""


class CallRefusedError(ChanxError):
    """A relay could not do what a worker on the event bus asked of it: its store's own error, or another version's."""


class JobCancelled(BaseException):
    """Raised inside a task at its next progress step after the job was cancelled.

    A ``BaseException``, like ``asyncio.CancelledError``, so that an ``except Exception`` around one row of work does
    not swallow it. Release what you hold in ``finally`` and let it pass.
    """
