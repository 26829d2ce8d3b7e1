"""Takes uploads to disk, no further than the limit, and keeps them under names of the server's choice.

browser ─> BoundedUploadHandler ─> temporary file ─> form ─> rename to <upload id>.csv
"""

from pathlib import Path

from django.conf import settings
from django.core.files.move import file_move_safe
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from example_site.jobs.models import Upload


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Streams a file to disk and drops it as soon as it is larger than `settings.MAX_UPLOAD_BYTES`.

    The form then finds no file; `was_too_large(request)` tells why.
    """

    received = 0

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.MAX_UPLOAD_BYTES:
            self.request.upload_too_large = True
            self.file.close()
            raise SkipFile
        super().receive_data_chunk(raw_data, start)


def was_too_large(request: HttpRequest) -> bool:
    """Whether a file of this request was dropped because of its size; known once `request.FILES` was read."""
    return getattr(request, "upload_too_large", False)


def path_of(upload: Upload) -> Path:
    return Path(settings.UPLOAD_DIR) / f"{upload.pk}.csv"


def keep(upload: Upload, file: TemporaryUploadedFile) -> None:
    """Gives the uploaded file its lasting place; the worker finds it by the upload's id alone."""
    file_move_safe(file.temporary_file_path(), path_of(upload))


def forget(upload: Upload) -> None:
    """Removes the file of an upload that no job is going to read."""
    path_of(upload).unlink(missing_ok=True)
