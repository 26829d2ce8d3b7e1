"""Takes uploads to disk, no further than the limits, and keeps them under names of the server's choice.

browser ─> BoundedUploadHandler ─> temporary files ─> form ─> rename to <upload id>.csv
"""

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.core.files.move import file_move_safe
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler
from django.http import HttpRequest

from example_site.jobs.models import Upload


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Streams the files of a request to disk, and drops those beyond `settings.MAX_UPLOAD_BYTES` for all of them, or
    beyond `settings.MAX_UPLOAD_FILES`.

    The form then finds fewer files; `refusal(request)` tells why.
    """

    files = 0
    received = 0

    def new_file(self, *args: object, **kwargs: object) -> None:
        super().new_file(*args, **kwargs)
        self.files += 1
        if self.files > settings.MAX_UPLOAD_FILES:
            self._refuse(f"Those are too many files: the limit is {settings.MAX_UPLOAD_FILES}.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.MAX_UPLOAD_BYTES:
            limit = f"{settings.MAX_UPLOAD_MB} MB"
            self._refuse(
                f"That file is too large: the limit is {limit}."
                if self.files == 1
                else f"Those files are too large: the limit for all of them is {limit}."
            )
        super().receive_data_chunk(raw_data, start)

    def _refuse(self, reason: str) -> None:
        self.request.upload_refusal = reason
        self.file.close()
        raise SkipFile


def refusal(request: HttpRequest) -> str | None:
    """Why files of this request were dropped, for people; known once `request.FILES` was read."""
    return getattr(request, "upload_refusal", None)


def path_of(upload: Upload) -> Path:
    return Path(settings.UPLOAD_DIR) / f"{upload.pk}.csv"


def keep(files: Iterable[TemporaryUploadedFile], owner: object) -> list[Upload]:
    """Gives uploaded files their lasting place; the worker finds each by the upload's id alone."""
    uploads = []
    for file in files:
        upload = Upload(owner=owner, original_name=file.name, size=file.size)
        file_move_safe(file.temporary_file_path(), path_of(upload))
        uploads.append(upload)
    return Upload.objects.bulk_create(uploads)


def forget(uploads: Iterable[Upload]) -> None:
    """Removes uploads that no job is going to read."""
    for upload in uploads:
        path_of(upload).unlink(missing_ok=True)
        upload.delete()
