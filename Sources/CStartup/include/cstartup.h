// What is done before or as a program begins. Linking this target opens closed standard streams (startup.c); the rest is called.
#ifndef HEADWAY_CSTARTUP_H
#define HEADWAY_CSTARTUP_H

/// Lets idle OpenMP threads sleep soon, unless the user's environment says otherwise. To be called first thing in `main`, when there are no other threads,
/// but after the arguments were read: a statically linked Swift runtime finds them by where the environment lies, which a new variable moves.
void startup_let_idle_threads_sleep(void);

#endif
