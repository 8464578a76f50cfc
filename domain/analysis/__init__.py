"""What the numbers say, as rules: outcomes, attribution, roll-ups, reports, insights, peers, and the knobs."""
