"""Experiments and studies with every block and every way to write it, for mutations."""

from __future__ import annotations

EXPERIMENTS: dict[str, str] = {
    "relaxnet": """\
schema: 1
hardware: photonic_mrr
network:
  kind: relaxnet
  hidden: 64
  weight_sets: 2
  steps: 6
  residual: {value: 0.5, range: [0, 1], source: "chosen: half"}
  injection: every
  order: [0, 1, 0, 1, 0, 1]
  input_map: banks
  output_map: digital
task: {name: digits}
training:
  rule: hardware_aware
  non_idealities: [detector.shot_noise, weight_banks.write_repeatability]
  redraw: 8
  optimizer: sgd
  momentum: 0.8
  epochs: 3
  examples: 640
  patience: 2
  batch: 32
  learning_rate: 0.01
  weight_rate: 10
  schedule: constant
  warmup: 1
  weight_decay: 0.1
  gradient_clip: 5
  label_smoothing: 0.1
  standardize: true
  state_scale: 0.5
  checkpoint_epochs: 2
  device: cpu
  seed: 7
simulation: {chips: 2, seed: 3, samples: 50, band_draws: 8, exact: true,
             arrivals: periodic, interval: 1 us, queue: 4}
""",
    "stateful": """\
schema: 1
hardware: fiber_loop
network: {kind: rnn, hidden: 32, steps: 4, injection: every, stateful: true}
task: {name: shakespeare, window: 4}
training: {sequence: 16, epochs: 1}
simulation: {chips: 1, samples: 10}
""",
    "mlp": """\
schema: 1
hardware: photonic_mzi
network: {kind: mlp, sizes: [784, 300, 100, 10], activation: relu, gains: row}
task: {name: fashion-mnist}
simulation: {arrivals: poisson, rate: 1 MHz, queue: 100, samples: 10}
""",
    "lrunet": """\
schema: 1
hardware: electronic_pcm
network: {kind: lrunet, channels: 3, side: 32, classes: 10, stem: 16,
          width: 2, repetitions: 3, dropout: 0.25}
task: {name: cifar10}
training: {epochs: 2}
""",
    "file": """\
schema: 1
hardware: digital_reference
network: {kind: workload, file: WORKLOAD}
task: {name: digits}
simulation: {arrivals: file, times: arrivals.txt}
""",
}  # fmt: skip

STUDIES: dict[str, str] = {
    "sweep": """\
schema: 1
base: photonic_mrr
set: {network.steps: 24, simulation.samples: 10}
vary:
  weight_banks.count: [2, 3, 4]
  switch.rise_time: {log: [0.1 ns, 10 us], n: 3}
  encoder.laser_power: {random: [0.3 mW, 3 mW], scale: log, n: 2}
replicas: 3
seed: 5
objectives: [{maximize: accuracy.hardware_mean}, {minimize: energy_j.per_inference}]
constraints: ["latency_s.first <= 1 us and power_w < 40 W"]
require: "accuracy >= 0.9"
figures: [power_w]
""",
    "search": """\
schema: 1
base: {schema: 1, hardware: photonic_mzi, network: {steps: 4}}
set: {simulation.chips: 3}
vary:
  network.steps: {linear: [4, 12]}
  detector.bandwidth: {log: [2 GHz, 20 GHz]}
objectives:
  - {minimize: latency_s.first}
trials: 96
search: {sampler: nsga2, generation: 16, keep: 0.5, epochs: [5, 8]}
""",
    "hypercube": """\
schema: 1
base: spintronic_mtj
vary:
  weight_banks.bits: {linear: [4, 8]}
  network.kind: [rnn, dnn]
latin_hypercube: 20
objectives: [{minimize: energy_j.per_inference}]
storage: sqlite:///study.db
""",
}  # fmt: skip
