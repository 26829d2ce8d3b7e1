"""The two ways to start a job."""

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, QueryDict

from example_site.jobs import services, uploads

NO_FILE = "Choose a CSV file first."


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One file or several; `cleaned_data` has the list of them.

    With a `refusal`, that is its error. An empty file among several is the worker's to report.
    """

    widget = FilesInput
    default_error_messages = {
        "required": NO_FILE,
        "missing": NO_FILE,
        "empty": "That file is empty.",
        "max_length": "The file's name is too long (255 characters at most).",
    }
    refusal: str | None = None

    def clean(self, data: list[UploadedFile], initial: object = None) -> list[UploadedFile]:
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        self.allow_empty_file = len(data) > 1
        return [super(FilesField, self).clean(file, initial) for file in data or [None]]


class UploadForm(forms.Form):
    """CSV files. What is too large or too much never gets here: see `uploads.BoundedUploadHandler`."""

    # The browser's name is only shown, and the model keeps this much of it.
    file = FilesField(max_length=255)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.POST, request.FILES)
        self.fields["file"].refusal = uploads.refusal(request)


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
