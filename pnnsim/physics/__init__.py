"""Device equations, each once, as pure functions of tensors.

Simulator and surrogate call the same functions: what differs between them is data (fabricated or
nominal values, noise drawn or zero, measured or nominal times), never code. Nothing here keeps
state, draws random numbers, reads a clock, or uses descriptions and components. Import the
modules by name: `from pnnsim.physics import photonic_ring`.

**Numbers.** SI throughout, ratios linear: decibels end at the description (loss per length [dB/m]
is the one exception). A function follows the dtype and device of its tensors. Random draws are
arguments (`noise`: standard normal; `uniform`: in [0, 1)), so that the caller's stream decides.
Times are times elapsed since an event. All functions of tensors can be differentiated unless they
say otherwise.

**Axes.** `batch` first, then `n_out`, `n_in`; a bank is `(n_out, n_in)` and the logical product is
`y = h @ W.T`. Per-element quantities broadcast; leading axes are allowed where `…` is written.

**Signals.** The state h is a number without unit.

| line | range of h | carried by |
|---|---|---|
| incoherent light | [0, 1] | power relative to full scale: cannot be negative, the encoder clips |
| coherent light | [-1, 1] | field amplitude relative to full scale, sign as a phase of pi |
| electric | [-1, 1] | voltage relative to full scale |

**Weights** lie in [-1, 1]; one electronic gain for each weight set gives them their scale, and
activation is `f(gain * y + bias)`.

| bank | how a sign arises |
|---|---|
| micro-rings | drop minus through on a balanced photodiode; a lossy ring's range is lopsided |
| interferometer mesh | field amplitude; the matrix is scaled to singular values of at most 1 |
| magnetic junctions | difference of two conductances, each between anti-parallel and parallel |
| phase-change cells | difference of two transmissions or conductances |
| light modulators | difference of two non-negative masks |

**Detection** adds noise in logical units: current noise over full-scale current. Densities are
one-sided; the noise bandwidth is pi/2 times the 3 dB bandwidth for one pole and 1/(2T) for an
integration over T. Descriptions state the 3 dB bandwidth of a part; it is never the band of noise.
Variances of independent sources add.

**Levels.** Ranges symmetric about zero have an odd count of levels, so that zero is exact
(`quantize`).
"""
