"""What the AsyncAPI document says to those who write a client for the topics of jobs."""

from inspect import cleandoc
from typing import Final

JOB: Final = cleandoc(
    """
    One job, `job:<job_id>`: its state, and all its events in order, complete after a lost connection too.

    Subscribe, and `subscribed` has the job as it stands; then its events come: first those that the client has not
    seen, then each as it happens. An event with `seq` is one of the job's log, whose numbers have no gap. One with
    `head` and `rev` in its place (`job_progress`) only tells the latest: it counts if the two are greater than those
    of the last one. Send `ack` with the last `seq` after at most 100 events. The last event of the log is
    `job_succeeded`, `job_failed` or `job_cancelled`.

    After a lost connection subscribe with the `epoch` of `subscribed`, and with the last `seq` as `after`. A
    `subscribed` that has no `ref` says that the stream begins anew.
    """
)

CANCEL: Final = "Asks to cancel. The answer has the state at that moment; `job_cancelled` tells when it is done."

JOB_LIST: Final = cleandoc(
    """
    Somebody's jobs, `jobs:me` or `jobs:<owner>`: the newest first, as they come and change.

    Subscribe, and `subscribed` has the first page; from then on `job_changed` tells of each job that is new or
    differs, and `job_removed` of each that is gone. For the next page subscribe again, with the `created_at` of the
    oldest job as `before`. The list follows its newest 500 jobs. Long values of a job are left out of its `fields`,
    and `omitted_fields` names them: the job's own topic has them.
    """
)
