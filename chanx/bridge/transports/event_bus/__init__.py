"""For workers that cannot reach the site's Redis: what they tell goes through their broker, a relay does it there.

worker ─> EventBusStore ─> queue of the job's partition ─> relay ─> the site's job store and channel layer
                  └──────────────── answer ──────────────────┘
"""
