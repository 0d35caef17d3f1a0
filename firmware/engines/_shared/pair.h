/* What the calls of the generated pair, shared by the engines, ask of the engine that executes the network. */
#ifndef AXE_PAIR_H
#define AXE_PAIR_H

/* Return `path`, or AXE_ERROR_ENGINE_RUN if the network failed in the call that came back with it. */
int axe_pair_outcome(int path);

#endif
