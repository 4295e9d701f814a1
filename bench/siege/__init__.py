"""The siege: what is promised, under kills, faults, full disks, changing files, and two of everything."""
