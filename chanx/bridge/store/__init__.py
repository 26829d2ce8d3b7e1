"""Where jobs are kept: their logs, snapshots, owners' lists and cancel flags."""
