"""Typed clients, written from an AsyncAPI document.

document ─> SchemaLoader ─> Protocol (channels, topics, requests) and Declarations (types) ─> Python or TypeScript files
"""
