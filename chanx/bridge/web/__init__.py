"""The side of the bridge that runs in a web process: the topic that streams a job to a browser."""
