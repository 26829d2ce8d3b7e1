"""The two ways to start a job."""

from django import forms
from django.conf import settings
from django.http import HttpRequest, QueryDict

from example_site.jobs import services, uploads


class UploadForm(forms.Form):
    """One CSV file. What is too large never gets here: see `uploads.BoundedUploadHandler`."""

    file = forms.FileField(
        # The browser's name is only shown, and the model keeps this much of it.
        max_length=255,
        error_messages={
            "required": "Choose a CSV file first.",
            "missing": "Choose a CSV file first.",
            "empty": "That file is empty.",
            "max_length": "The file's name is too long (255 characters at most).",
        },
    )

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST, request.FILES)
        if uploads.was_too_large(request):
            message = f"That file is too large: the limit is {settings.MAX_UPLOAD_MB} MB."
            self.fields["file"].error_messages["required"] = message


class CommandForm(forms.Form):
    """A command of the worker's fixed list, by its key."""

    command = forms.ChoiceField(
        error_messages={
            "required": "Choose a command first.",
            "invalid_choice": "There is no such command.",
        },
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.fields["command"].choices = services.command_choices()
