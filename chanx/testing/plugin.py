"""The pytest plugin: fixtures for the tests of projects that use chanx."""
