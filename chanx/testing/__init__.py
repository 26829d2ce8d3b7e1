"""For the tests of projects that use chanx: jobs, contracts, and a real Redis-protocol server of their own."""
