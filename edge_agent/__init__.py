"""The witness at the meter: reads it, signs what it said, keeps it until the server has it. It never writes to a meter."""
