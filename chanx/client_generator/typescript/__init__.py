"""TypeScript clients: types and typed classes on top of ``chanx.js``, which is copied beside them.

Protocol ─> Variants (what is read, what is written) ─> messages.ts ─┐
         └> views of connections and topics ─> client.ts, README ────┴> OutputDirectory
"""
