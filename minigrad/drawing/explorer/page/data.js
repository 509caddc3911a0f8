// The data of the page: decoded once, then only read.

/** The graph that Python has packed, its maps of attention in their places. */
async function unpacked() {
  const [graph, maps] = await Promise.all(["graph", "maps"].map(unpack));
  graph.maps.forEach((place, i) => (graph.arrays[place] = maps[i]));
  return connected(graph);
}

/** What an element of the page holds: JSON, gzip, base64. */
async function unpack(id) {
  const packed = atob(document.getElementById(id).textContent.trim());
  const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Adds what follows from the data: numbers, users, the steps of each node, views by key, the box of each node. */
function connected(graph) {
  graph.nodes.forEach((node, number) => {
    node.number = number;
    translated(node, "name");
    translated(node, "called");
    node.inputs ??= [];
    node.scope ??= "";
    const [slices, rows, columns] = node.grid.map(axisOf);
    node.grid = { slices, rows, columns };
    node.users = [];
    node.written = []; // the steps that add to its gradient
    node.computed = -1; // the step that gives it a value; leaves have theirs from the beginning
  });
  for (const node of graph.nodes) {
    for (const input of node.inputs) {
      const users = input.node === undefined ? null : graph.nodes[input.node].users;
      if (users && users.at(-1) !== node) users.push(node);
    }
  }
  graph.steps.forEach((step, position) => {
    if (step.kind === "forward") graph.nodes[step.node].computed = position;
    if (step.kind === "seed") graph.nodes[step.node].written.push(position);
    if (step.kind === "backward") graph.nodes[step.target].written.push(position);
  });
  graph.formulas = new Map(Object.entries(graph.formulas));
  graph.forwardSteps = graph.steps.filter((step) => step.kind === "forward").length;
  graph.backwardSteps = graph.steps.length - graph.forwardSteps;
  graph.views.forEach(prepare);
  graph.viewOf = new Map(graph.views.map((view) => [view.key, view]));
  const parts = graph.views.flatMap((view) => [...view.boxes, ...view.clusters]);
  graph.repeats = new Set(parts.filter((part) => part.repeated).map((part) => part.scope));
  graph.levels = graph.views.filter((view) => !view.key.startsWith("scope "));
  graph.levels.sort((a, b) => a.boxes.length - b.boxes.length);
  graph.arrays = graph.arrays.map((written) => ({ written, numbers: null }));
  return graph;
}

/** What nodes are called is said in the language of the page, as far as it is of our own. */
function translated(node, key) {
  const written = node[key];
  if (written !== undefined) Object.defineProperty(node, key, { get: () => say(written) });
}

/** An axis of an array: its size, the places of it that are shown, and their distance where it is always the same. */
function axisOf([size, shown]) {
  if (Array.isArray(shown)) return { size, places: shown, stride: null };
  return { size, places: Array.from({ length: Math.ceil(size / shown) }, (_, i) => i * shown), stride: shown };
}

function prepare(view) {
  view.boxOf = new Map();
  view.boxes.forEach((box, number) => {
    box.number = number;
    box.members = box.nodes.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
    box.kind ??= "node";
    if (box.kind !== "next") for (const member of box.members) view.boxOf.set(member, box);
  });
  for (const [, , points] of view.arrows) {
    // each is given from the one before
    for (let i = 2; i < points.length; i += 1) points[i] += points[i - 2];
  }
  view.arrowsBetween = new Map();
  view.arrows.forEach(([source, target], number) => {
    const key = `${source}>${target}`;
    if (!view.arrowsBetween.has(key)) view.arrowsBetween.set(key, []);
    view.arrowsBetween.get(key).push(number);
  });
}

/** The numbers of the array with this place in the data. */
function numbersOf(graph, place) {
  const array = graph.arrays[place];
  array.numbers ??= Float64Array.from(array.written, numberOf);
  return array.numbers;
}

/** How a node is called in sentences: its path, or its operation and number. */
function nameOf(node) {
  return node.name
    ? node.scope
      ? `${node.scope}/${node.name}`
      : node.name
    : `%${node.number} ${kindOf(node)}`;
}

/** How a scope is called in sentences; what is repeated has no name of its own. */
function scopeName(graph, path) {
  return graph.repeats.has(path) ? words("repeated") : path;
}

/** The operation of a node, or what kind of leaf it is. */
function kindOf(node) {
  return node.op ?? words(`role ${node.role}`);
}

/** What assistive technology says of a node: name, operation, shape, role. */
function spoken(node) {
  const parts = [node.name, kindOf(node), words("shape", node.shape)];
  if (node.output) parts.push(words("output"));
  if (node.scope) parts.push(words("inScope", node.scope));
  return parts.filter(Boolean).join(", ");
}

/** The arrow of a view along which `node` takes its operand at `position`, or -1 where both are in one box. */
function arrowOf(graph, view, node, position) {
  const uses = node.inputs.filter((input) => input.node !== undefined);
  const source = view.boxOf.get(uses.find((input) => input.position === position)?.node);
  const target = view.boxOf.get(node.number);
  if (!source || !target || source === target) return -1;
  const arrows = view.arrowsBetween.get(`${source.number}>${target.number}`) ?? [];
  const alike = uses.filter((input) => view.boxOf.get(input.node) === source);
  return (
    arrows[
      Math.min(
        alike.findIndex((input) => input.position === position),
        arrows.length - 1,
      )
    ] ?? -1
  );
}

/** The boxes of what `node` takes along no arrow of the view, as its uses are written in boxes: hubs. */
function hubsOf(view, node) {
  const target = view.boxOf.get(node.number);
  const sources = unique(node.inputs.map((input) => view.boxOf.get(input.node)));
  return sources.filter(
    (source) => source && source !== target && !view.arrowsBetween.has(`${source.number}>${target.number}`),
  );
}

/** Is the scope with this path open in the view, that is, does it have a frame there? */
function isOpen(view, path) {
  return view.clusters.some((cluster) => cluster.scope === path || cluster.scope.startsWith(`${path}/`));
}
