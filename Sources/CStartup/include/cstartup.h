// Nothing to call: linking this target into an executable is what it does (startup.c).
