"""The siege: what is promised, under kills, faults, full disks and changing files."""
