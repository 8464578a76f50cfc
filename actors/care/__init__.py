"""Who looks after the rest: health, the watchdog, alerts."""
