"use strict";
// Copy buttons, tables as CSV, and the timeline that can be zoomed. The page says the same without.
(function () {
  const button = (text, act) => {
    const made = document.createElement("button");
    made.type = "button"; made.className = "copy"; made.textContent = text;
    made.addEventListener("click", () => act(made));
    return made;
  };
  const copy = (text, from) => {
    const done = () => { const was = from.textContent; from.textContent = "copied"; setTimeout(() => { from.textContent = was; }, 1200); };
    const byHand = () => {
      const field = document.createElement("textarea");
      field.value = text; document.body.append(field); field.select();
      document.execCommand("copy"); field.remove(); done();
    };
    if (navigator.clipboard && window.isSecureContext) navigator.clipboard.writeText(text).then(done, byHand); else byHand();
  };
  const cells = (table) => [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim().replace(/\s+/g, " ")));
  const csv = (table) => cells(table).map((row) => row.map((text) => /[",\n]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text).join(",")).join("\n") + "\n";
  for (const block of document.querySelectorAll("[data-copy]")) block.after(button("copy", (from) => copy(block.textContent, from)));
  for (const table of document.querySelectorAll("table[id]")) {
    const tools = document.createElement("p");
    tools.className = "tools";
    tools.append(button("copy table", (from) => copy(cells(table).map((row) => row.join("\t")).join("\n"), from)),
      button("CSV", () => {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([csv(table)], { type: "text/csv" }));
        link.download = table.id + ".csv"; link.click(); URL.revokeObjectURL(link.href);
      }));
    table.after(tools);
  }

  const figure = document.getElementById("zoom");
  if (!figure) return;
  const data = JSON.parse(document.getElementById("spans").textContent);
  figure.hidden = false;
  const canvas = figure.querySelector("canvas"), note = figure.querySelector("output");
  const starts = []; let sum = 0;
  for (const step of data.start_fs) starts.push(sum += step);
  const critical = new Set(data.critical);
  const LANE = 22, TOP = 6, AXIS = 26;
  const height = TOP + LANE * data.lanes.length + AXIS;
  let from = 0, to = data.makespan_fs || 1, over = -1, shown = [];
  const UNITS = [["s", 1e15], ["ms", 1e12], ["µs", 1e9], ["ns", 1e6], ["ps", 1e3], ["fs", 1]];
  const time = (fs, digits) => {
    if (fs === 0) return "0 s";
    const unit = UNITS.find((each) => Math.abs(fs) >= each[1]) || UNITS[5];
    return Number((fs / unit[1]).toPrecision(digits || 12)) + " " + unit[0];
  };
  const joule = (value) => {
    if (value === 0) return "0 J";
    const power = Math.max(-24, 3 * Math.floor(Math.log10(Math.abs(value)) / 3));
    const prefix = { "-24": "y", "-21": "z", "-18": "a", "-15": "f", "-12": "p", "-9": "n", "-6": "µ", "-3": "m", 0: "" }[power];
    return prefix === undefined ? value + " J" : Number((value / 10 ** power).toPrecision(4)) + " " + prefix + "J";
  };
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const KINDS = { s: "sample", r: "route", w: "write", d: "digital" };
  let width = 800, gutter = 130;
  const place = (fs) => gutter + (width - gutter - 4) * (fs - from) / (to - from);
  function draw() {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio; canvas.height = height * ratio; canvas.style.height = height + "px";
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const ink = {}; for (const name of ["ink", "soft", "line", "sample", "route", "write", "digital", "other", "oncolor", "ground"]) ink[name] = color(name);
    pen.fillStyle = ink.ground; pen.fillRect(0, 0, width, height);
    pen.font = (width < 500 ? 9 : 11) + "px system-ui, sans-serif"; pen.textBaseline = "middle";
    const most = Math.max(2, Math.floor((width - gutter) / 110)), raw = (to - from) / most, decade = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * decade).find((each) => each >= raw);
    const digits = Math.max(4, Math.ceil(Math.log10(to / step)) + 1);
    for (let tick = Math.ceil(from / step) * step; tick <= to; tick += step) {
      const x = place(tick);
      pen.strokeStyle = ink.line; pen.beginPath(); pen.moveTo(x, TOP); pen.lineTo(x, height - AXIS + 4); pen.stroke();
      pen.fillStyle = ink.ink; pen.textAlign = "center";
      if (x < width - 24 && x > gutter - 1) pen.fillText(time(tick, digits), x, height - AXIS / 2 + 2);
    }
    const whole = data.complete.some(([a, b]) => a <= from && to <= b);
    data.lanes.forEach((name, lane) => {
      const y = TOP + LANE * lane;
      pen.strokeStyle = ink.line; pen.beginPath(); pen.moveTo(gutter, y + LANE); pen.lineTo(width, y + LANE); pen.stroke();
      pen.fillStyle = ink.ink; pen.textAlign = "right"; pen.fillText(name, gutter - 6, y + LANE / 2, gutter - 8);
      const busy = data.busy[lane];
      if (whole || !busy.length) return;
      const part = data.makespan_fs / busy.length;
      pen.fillStyle = ink.soft;
      busy.forEach((share, i) => {
        const a = Math.max(gutter, place(i * part)), b = Math.min(width, place((i + 1) * part));
        if (share && b > a) { pen.globalAlpha = 0.08 + 0.42 * share / 100; pen.fillRect(a, y + LANE * 0.35, b - a, LANE * 0.3); }
      });
      pen.globalAlpha = 1;
    });
    shown = [];
    for (let i = 0; i < starts.length; i++) {
      const end = starts[i] + data.length_fs[i];
      if (end < from || starts[i] > to) continue;
      const a = Math.max(gutter, place(starts[i])), b = Math.min(width, place(end)), y = TOP + LANE * data.lane[i] + 3;
      const other = data.sample[i] > 0 && data.kind[i] === "s";
      const wide = Math.max(b - a, 1);
      pen.fillStyle = other && !critical.has(i) ? ink.other : ink[KINDS[data.kind[i]]];
      pen.globalAlpha = critical.has(i) || other ? 1 : 0.4;
      pen.fillRect(a, y, wide, LANE - 6);
      pen.globalAlpha = 1;
      shown.push([a, a + wide, y, i]);
      const text = data.labels[data.label[i]];
      if (wide > 30 && pen.measureText(text).width < wide - 4) {
        pen.fillStyle = critical.has(i) ? ink.oncolor : ink.ink; pen.textAlign = "center";
        pen.fillText(text, a + wide / 2, y + LANE / 2 - 3);
      }
      if (i === over) { pen.strokeStyle = ink.ink; pen.strokeRect(a, y, wide, LANE - 6); }
    }
  }
  // Wheel, drag and pinch are those of d3-zoom, whose transform maps the whole run to what is shown.
  const all = data.makespan_fs || 1;
  const zoom = d3.zoom().scaleExtent([1, Math.min(Math.max(1, all / 10), 1e12)])
    .filter((event) => !event.button && (event.type !== "touchstart" || event.touches.length > 1))
    .on("zoom", (event) => {
      const t = event.transform, moment = (x) => ((x - t.x) / t.k - gutter) / (width - gutter - 4) * all;
      from = moment(gutter); to = moment(width - 4);
      draw();
    });
  const view = d3.select(canvas);
  function show(a, b) {
    width = canvas.clientWidth; gutter = width < 500 ? 96 : 140;
    const lanes = [[gutter, 0], [width - 4, height]];
    zoom.extent(lanes).translateExtent(lanes);
    const span = Math.min(Math.max(b - a, 10), all), begin = Math.min(Math.max(a, 0), all - span), k = all / span;
    view.call(zoom.transform, d3.zoomIdentity.translate(gutter - k * (gutter + (width - gutter - 4) * begin / all), 0).scale(k));
  }
  const closer = (factor) => { const at = (from + to) / 2, half = (to - from) * factor / 2; show(at - half, at + half); };
  const name = (i) => data.lanes[data.lane[i]] + ": " + data.labels[data.label[i]] + (data.sample[i] < 0 ? "" : ", sample " + data.sample[i]) +
    ", " + time(data.length_fs[i]) + " from " + time(starts[i]) + ", " + joule(data.energy_j[i]) + (critical.has(i) ? ", on the critical path" : "");
  canvas.addEventListener("pointermove", (event) => {
    const found = [...shown].reverse().find(([a, b, y]) => event.offsetX >= a - 1 && event.offsetX <= b + 1 && event.offsetY >= y && event.offsetY <= y + LANE - 6);
    const next = found ? found[3] : -1;
    if (next !== over) { over = next; note.textContent = found ? name(next) : ""; draw(); }
  });
  const first = () => {
    const last = Math.max(...data.critical.map((i) => starts[i] + data.length_fs[i]), 1);
    show(0, last * 1.02);
  };
  const acts = {
    in: () => closer(0.5), out: () => closer(2), all: () => show(0, all), first,
    write: () => {
      const next = starts.findIndex((start, i) => data.kind[i] === "w" && start > (from + to) / 2), i = next < 0 ? data.kind.indexOf("w") : next;
      show(starts[i] - data.length_fs[i], starts[i] + 2 * data.length_fs[i]);
    },
    middle: () => { const [a, b] = data.complete[data.complete.length - 1]; data.complete.length > 1 ? show(a, b) : show((a + b) * 0.45, (a + b) * 0.55); },
  };
  for (const each of figure.querySelectorAll("[data-do]")) each.addEventListener("click", () => acts[each.dataset.do]());
  canvas.addEventListener("keydown", (event) => {
    const by = (to - from) * 0.2;
    const act = { "+": acts.in, "=": acts.in, "-": acts.out, 0: acts.all, ArrowLeft: () => show(from - by, to - by), ArrowRight: () => show(from + by, to + by) }[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  window.addEventListener("resize", () => show(from, to));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  view.call(zoom).on("dblclick.zoom", null);
  first();
})();
