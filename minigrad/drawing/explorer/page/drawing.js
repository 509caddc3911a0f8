// The picture of one view: frames of open scopes, arrows, boxes; and how the present step shows on it.

const BASELINE = 3.6;
const LINE = 12; // points; the font is 10 points high

class Drawing {
  /** `onselect(box)`, `onopen(path)`, `onclose(path)` are told what the reader does. */
  constructor(graph, canvas, scene, { onselect, onopen, onclose }) {
    Object.assign(this, { graph, canvas, scene, onselect, onopen, onclose });
    this.camera = new Camera(canvas, scene);
    this.view = null;
    canvas.addEventListener("click", (event) => this.clicked(event));
    canvas.addEventListener("dblclick", (event) => this.open(this.boxAt(event)));
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("focusin", (event) => this.focused(event.target));
    // A page may be opened before there is room for it: in a closed <details>, in a frame that is not laid out yet.
    new ResizeObserver(() => this.view && !this.camera.isChosen && this.frameUp(this.framed)).observe(canvas);
  }

  show(view) {
    this.view = view;
    this.boxes = view.boxes.map((box) => this.box(box));
    this.arrows = view.arrows.map((arrow) => this.arrow(arrow));
    this.frames = view.clusters.map((cluster) => this.frame(cluster));
    // Titles of frames lie above the arrows, boxes above these, notes of arrows above everything.
    this.scene.replaceChildren(
      ...this.frames.map((frame) => frame.area),
      ...this.arrows.map((arrow) => arrow.group),
      ...this.frames.map((frame) => frame.title),
      ...this.boxes.map((box) => box.group),
      ...this.arrows.map((arrow) => arrow.note).filter(Boolean),
    );
    for (const { title } of this.frames) fitGround(title);
    for (const { note } of this.arrows) if (note) fitNote(note, this.boxes);
    const buttons = this.frames.filter((frame) => frame.title.dataset.frame !== undefined);
    this.stops = [...buttons.map((frame) => frame.title), ...this.boxes.map((box) => box.group)];
    this.stop = null;
    this.setStop(this.boxes[0]?.group);
  }

  // --- what is drawn ---

  box(box) {
    const [x, y, width, height] = box.at,
      node = box.kind === "node" ? this.graph.nodes[box.members[0]] : null;
    const lines = linesOf(box, node),
      first = y + height / 2 + BASELINE - ((lines.length - 1) * LINE) / 2;
    const group = vector("g", {
      class: ["box", ...classesOf(box, node)].join(" "),
      tabindex: -1,
      role: "button",
      "data-box": box.number,
      "aria-label": this.spoken(box, node),
    });
    group.append(vector("rect", { class: "ring", x: x - 4, y: y - 4, width: width + 8, height: height + 8, rx: 9 }));
    group.append(...outlineOf(box, node, x, y, width, height));
    lines.forEach((line, i) => {
      const kind =
        lines.length > 1 && i === lines.length - 1 && line.startsWith("(") ? "shape" : i === 0 ? "title" : "detail";
      group.append(vector("text", { x: x + width / 2, y: first + i * LINE, class: kind }, line));
    });
    group.append(vector("circle", { class: "arrived", cx: x + 1, cy: y + 1, r: 4 }));
    return { group, box };
  }

  spoken(box, node) {
    if (node) return spoken(node) + (box.members.length > 1 ? words("forEqual", box.members.length) : "");
    const [title, ...more] = linesOf(box, node);
    if (box.repeated) return words("repeatedBox", box.count, more.join(", "));
    if (box.kind === "scope") return words("closedScopeBox", box.scope, more.join(", "));
    return box.kind === "group" ? words("groupOf", title) : title;
  }

  arrow([source, target, points, notes, noteX, noteY]) {
    const boxes = this.view.boxes;
    const order = this.orderOf(boxes[target]);
    const kind = !order ? "value" : this.orderOf(boxes[source]) === order ? "backward" : "saved";
    const end = points.length - 2;
    const line = curve(points.slice(0, end));
    const group = vector("g", { class: `arrow ${kind}` });
    group.append(
      vector("path", { class: "line", d: line }),
      vector("path", {
        class: "head",
        d: arrowhead(points.slice(end - 2, end), points.slice(end), kind === "saved" ? 4.2 : 5),
      }),
      vector("path", { class: "flow", d: `${line}L${points.slice(end).join(" ")}` }),
      vector("path", { class: "flow-head", d: arrowhead(points.slice(2, 4), points.slice(0, 2), 6.5) }),
    );
    const text = notes && vector("text", { x: noteX, y: noteY + 2.8 }, notes.map(say).join(" "));
    const note = text && vector("g", { class: `arrow-note ${kind}` }, text);
    return { group, note, source, target };
  }

  orderOf(box) {
    return box.order ?? this.graph.nodes[box.members[0]].order ?? 0;
  }

  frame(cluster) {
    const [x, y, width, height] = cluster.at;
    const title = say(cluster.title) + (cluster.count > 1 ? ` ×${cluster.count}` : "");
    const gradient = cluster.order ? " gradient" : "";
    const several = cluster.count > 1 ? " several" : "";
    const does = {
      tabindex: -1,
      role: "button",
      "aria-expanded": "true",
      "aria-label": cluster.repeated
        ? words("repeatedFrame", cluster.count)
        : words("openScopeFrame", cluster.scope),
      "data-frame": cluster.scope,
    };
    return {
      cluster,
      area: vector("rect", { class: `frame-area${gradient}${several}`, x, y, width, height, rx: 7 }),
      title: vector(
        "g",
        { class: `frame-title${gradient}${several}`, ...(cluster.scope ? does : {}) },
        vector("rect", {
          x: x + 4,
          y: y + 3,
          width: title.length * (cluster.count > 1 ? 6.2 : 4.7) + 17,
          height: 14,
          rx: 4,
        }),
        cluster.scope ? vector("path", { class: "mark", d: `M${x + 9} ${y + 10}h6` }) : null,
        vector("text", { x: x + (cluster.scope ? 18 : 9), y: y + 13 }, title),
      ),
    };
  }

  // --- where the reader is ---

  /** Marks the box of what is selected. */
  select(box) {
    for (const { group, box: drawn } of this.boxes) {
      group.classList.toggle("selected", drawn === box);
      group.setAttribute("aria-pressed", String(drawn === box));
    }
    if (box) this.setStop(this.boxes[box.number].group);
  }

  reveal(box) {
    if (box) this.camera.reveal(box.at);
  }

  fit() {
    this.camera.fit([0, 0, ...this.view.size]);
  }

  /** Fits the view; where that would be too small to read, shows the part around `box` or the beginning instead. */
  frameUp(at = null) {
    this.framed = at;
    this.fit();
    const legible = this.canvas.clientWidth < 600 ? 0.6 : 0.8; // a phone is held closer
    if (this.camera.place.scale >= legible || this.view.size[0] * this.view.size[1] < 1) return;
    const [width, height] = this.view.size;
    const room = this.camera.room;
    if (at) {
      this.camera.fit(at, 1);
      if (this.camera.place.scale < legible) this.camera.zoom(legible / this.camera.place.scale);
      this.camera.isChosen = false;
      return;
    }
    const scale = Math.min(1, Math.max(legible, room.width / width));
    this.camera.set({ scale, x: room.left + Math.max(0, (room.width - width * scale) / 2), y: room.top });
    if (width * scale > room.width)
      this.camera.set({ scale, x: room.left + room.width / 2 - (width * scale) / 2, y: room.top });
  }

  // --- the present step ---

  /** Shows how far the passes have come: what has a value, what has a gradient, what happens now. */
  showStep(taken) {
    const { graph, view } = this;
    const current = graph.steps[taken - 1];
    const stepping = taken > 0;
    this.canvas.classList.toggle("stepping", stepping);
    for (const { group, box } of this.boxes) {
      const members = box.kind === "next" ? [] : box.members.map((member) => graph.nodes[member]);
      group.classList.toggle(
        "pending",
        stepping && members.length > 0 && members.every((node) => node.computed >= taken),
      );
      group.classList.toggle(
        "has-gradient",
        stepping && members.some((node) => node.written.length > 0 && node.written[0] < taken),
      );
      group.classList.remove("now", "from", "feeds");
    }
    for (const { group, note, target } of this.arrows) {
      group.classList.remove("flowed", "now", "feeds");
      const isPending = this.boxes[target].group.classList.contains("pending");
      for (const part of [group, note]) part?.classList.toggle("pending", isPending);
    }
    if (!stepping) return;
    const largest = graph.largestFlow;
    graph.steps.slice(graph.forwardSteps, taken).forEach((step) => {
      const arrow =
        step.kind === "backward" ? this.arrows[arrowOf(graph, view, graph.nodes[step.node], step.position)] : null;
      if (!arrow) return;
      arrow.group.classList.add("flowed");
      arrow.group.style.setProperty("--flow-width", flowWidth(numberOf(step.size), largest));
      if (step === current) arrow.group.classList.add("now");
    });
    const node = graph.nodes[current.node];
    const focus = current.kind === "backward" ? graph.nodes[current.target] : node;
    this.boxes[view.boxOf.get(focus.number)?.number]?.group.classList.add("now");
    if (current.kind === "backward") this.boxes[view.boxOf.get(node.number)?.number]?.group.classList.add("from");
    if (current.kind === "forward") {
      for (const input of node.inputs) {
        const arrow = input.node === undefined ? null : this.arrows[arrowOf(graph, view, node, input.position)];
        arrow?.group.classList.add("feeds");
      }
      for (const hub of hubsOf(view, node)) this.boxes[hub.number].group.classList.add("feeds");
    }
  }

  // --- what the reader does ---

  boxAt(event) {
    const number = event.target.closest?.("[data-box]")?.dataset.box;
    return number === undefined ? null : this.view.boxes[number];
  }

  clicked(event) {
    if (this.camera.dragged) return;
    const frame = event.target.closest?.("[data-frame]");
    if (frame) return this.onclose(frame.dataset.frame);
    this.onselect(this.boxAt(event));
  }

  open(box) {
    if (box?.kind === "scope") this.onopen(box.scope);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    if (event.shiftKey && event.key.startsWith("Arrow")) {
      const pans = { ArrowUp: [0, 80], ArrowDown: [0, -80], ArrowLeft: [80, 0], ArrowRight: [-80, 0] };
      this.camera.pan(...pans[event.key]);
    } else if (event.key in moves) {
      const place = Math.max(0, Math.min(this.stops.length - 1, this.stops.indexOf(this.stop) + moves[event.key]));
      this.setStop(this.stops[place]);
      this.stop.focus({ preventScroll: true });
    } else if (event.key === "Enter" || event.key === " ") {
      const box = this.boxAt(event);
      const frame = event.target.closest?.("[data-frame]");
      if (frame) this.onclose(frame.dataset.frame);
      else if (box?.kind === "scope" && event.key === "Enter") this.onopen(box.scope);
      else if (box) this.onselect(box);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** One box at a time is a stop of the Tab key; arrow keys move it. */
  setStop(group) {
    this.stop?.setAttribute("tabindex", -1);
    this.stop = group ?? this.stop;
    this.stop?.setAttribute("tabindex", 0);
  }

  focused(target) {
    const group = target.closest?.("[data-box], [data-frame]");
    if (!group || !group.matches(":focus-visible")) return;
    this.setStop(group);
    const number = group.dataset.box;
    if (number !== undefined) this.reveal(this.view.boxes[number]);
    else this.camera.reveal([...this.frames.find((frame) => frame.title === group).cluster.at.slice(0, 2), 60, 20]);
  }
}

function classesOf(box, node) {
  if (!node) return [box.count > 1 ? "stack" : box.kind, ...(box.order ? [`order-${Math.min(box.order, 3)}`] : [])];
  const order = node.role === "op" ? [`order-${Math.min(node.order, 3)}`] : [];
  return [node.role, ...order, ...(node.output ? ["output"] : []), ...(badGradient(node) ? ["bad"] : [])];
}

function badGradient(node) {
  return [node.statistics, node.gradientStatistics].some((found) => found && (found.nan || found.inf));
}

/** Makes the ground of a frame's title end after its text, in whatever font that is, as soon as it can be seen. */
function fitGround(title) {
  const [ground, text] = ["rect", "text"].map((kind) => title.querySelector(kind));
  const { x, width } = text.getBBox();
  if (width) ground.setAttribute("width", x + width + 4 - ground.x.baseVal.value);
}

/** A note that stands on a box has a ground of its own. */
function fitNote(note, boxes) {
  const { x, y, width, height } = note.getBBox();
  const isOnBox = ({ box: { at: [left, top, wide, high] } }) =>
    x < left + wide && left < x + width && y < top + high && top < y + height;
  if (boxes.some(isOnBox)) note.prepend(vector("rect", { x: x - 2, y, width: width + 4, height, rx: 2 }));
}

/** What a box says. */
function linesOf(box, node) {
  return (box.lines ?? node.lines).map(say);
}

/** The outline of a box: roles differ in shape, in line and in colour. */
function outlineOf(box, node, x, y, width, height) {
  const rectangle = (inset, radius, name = "outline") =>
    vector("rect", {
      class: name,
      x: x + inset,
      y: y + inset,
      width: width - 2 * inset,
      height: height - 2 * inset,
      rx: radius,
    });
  const role = node ? (node.output ? "output" : node.role) : box.kind;
  if (role === "parameter") return [rectangle(0, 7), rectangle(3.2, 5, "inner")];
  if (role === "output") return [rectangle(0, 0), rectangle(3.2, 0, "inner")];
  if (role === "constant") return [rectangle(0, 0)];
  if (role === "input") {
    return [
      vector("ellipse", { class: "outline", cx: x + width / 2, cy: y + height / 2, rx: width / 2, ry: height / 2 }),
    ];
  }
  if (role === "state" || role === "next") return [...cylinder(x, y, width, height)];
  if (role === "cotangent")
    return [polygon(x, y, width, height, Math.min(width, height) * 0.29, Math.min(width, height) * 0.29)];
  if (role === "random") return [polygon(x, y, width, height, Math.min(12, width / 4), height / 2)];
  if (role === "scope") return box.count > 1 ? stack(x, y, width, height) : [tab(x + width, y), rectangle(0, 0)];
  if (role === "group") return [tab(x + Math.min(32, width / 2), y), rectangle(0, 0)];
  return [rectangle(0, 6)];
}

/** What makes a box a folder: a tab that ends at `right` above it. */
function tab(right, y) {
  return vector("path", { class: "outline", d: `M${right - 22} ${y}l3 -4h16l3 4` });
}

/** A block, for several equal scopes: its front and two of its sides. */
function stack(x, y, width, height) {
  const depth = 4;
  const right = x + width;
  const low = y + height;
  return [
    vector("path", {
      class: "outline",
      d: `M${x + depth} ${y}H${right}V${low - depth}L${right - depth} ${low}H${x}V${y + depth}Z`,
    }),
    vector("path", {
      class: "inner",
      d: `M${x} ${y + depth}H${right - depth}V${low}M${right - depth} ${y + depth}L${right} ${y}`,
    }),
  ];
}

function polygon(x, y, width, height, cutX, cutY) {
  const [right, low] = [x + width, y + height];
  const d = `M${x + cutX} ${y}H${right - cutX}L${right} ${y + cutY}V${low - cutY}L${right - cutX} ${low}H${x + cutX}L${x} ${low - cutY}V${y + cutY}Z`;
  return vector("path", { class: "outline", d });
}

function cylinder(x, y, width, height) {
  const cap = Math.min(4, height / 6);
  const right = x + width;
  const low = y + height - cap;
  const arc = `${width / 2} ${cap} 0 0`;
  return [
    vector("path", {
      class: "outline",
      d: `M${x} ${y + cap}A${arc} 1 ${right} ${y + cap}V${low}A${arc} 1 ${x} ${low}Z`,
    }),
    vector("path", { class: "inner", d: `M${x} ${y + cap}A${arc} 0 ${right} ${y + cap}` }),
  ];
}

function curve(points) {
  const written = [`M${points[0]} ${points[1]}`];
  for (let i = 2; i + 5 < points.length; i += 6) written.push(`C${points.slice(i, i + 6).join(" ")}`);
  return written.join("");
}

/** A triangle with its point at `tip`, coming from `base`. */
function arrowhead(base, tip, length) {
  const [x, y] = [tip[0] - base[0], tip[1] - base[1]];
  const distance = Math.hypot(x, y) || 1;
  const [dx, dy] = [(x / distance) * length, (y / distance) * length];
  const half = 0.42;
  const [backX, backY] = [tip[0] - dx, tip[1] - dy];
  return `M${tip}L${backX - dy * half} ${backY + dx * half}L${backX + dy * half} ${backY - dx * half}Z`;
}

/** Wider for larger contributions, by orders of magnitude. */
function flowWidth(size, largest) {
  const decades = size > 0 && Number.isFinite(size) ? Math.log10(largest / size) : size === 0 ? 9 : 0;
  return `${Math.max(0.9, 2.8 - decades / 2).toFixed(2)}px`;
}
