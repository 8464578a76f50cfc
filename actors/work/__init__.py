"""Jobs at work: the actor that schedules one job, the actor that executes one run, and what a run can reach."""
