"""Diagnosis of a project's set-up: what would lose events, jobs or time in production, each with its remedy.

settings ──> layers, bridges, versions ──> Finding ──> manage.py check
network  ──> store, broker, workers    ──> Finding ─┴> chanx doctor
"""
