// The panel beside the drawing: about the graph, about a closed scope, or about one node.

const MAP_WIDTH = 344; // pixels

function section(title, ...content) {
  return element("section", {}, element("h3", {}, title), content);
}

/** A node as a button that selects it. */
function nodeButton(page, node, label = null) {
  return button([element("span", { class: "node-name" }, label ?? nodeTitle(node)), element("span", { class: "node-shape" }, node.shape)],
    () => page.choose(node.number), { class: `node-button ${swatchOf(node)}`, "aria-label": `${label ?? nodeTitle(node)}, ${spoken(node)}` });
}

function nodeTitle(node) {
  return node.name ?? `%${node.number} ${node.op ?? node.role}`;
}

function swatchOf(node) {
  return node.role === "op" ? `order-${Math.min(node.order, 3)}` : node.role;
}

// --- one node ---

function nodePanel(page, node, taken) {
  const { graph } = page;
  return [
    element("div", { class: "heading" },
      element("h2", { class: "breakable" }, node.name ?? node.op ?? node.role),
      element("p", { class: "tags" },
        element("span", { class: `tag ${swatchOf(node)}` }, node.op ?? node.role),
        node.output && element("span", { class: "tag" }, "output"),
        element("span", { class: "size" }, node.shape), " ", element("span", { class: "faint" }, node.dtype))),
    element("p", { class: "code breakable" }, `%${node.number} = ${node.expression}`),
    graph.formulas.has(node.op) && element("p", { class: "formula" }, graph.formulas.get(node.op)),
    equalsNote(page, node),
    valueSection(page, node, taken),
    inputsSection(page, node),
    usersSection(page, node),
    keptSection(page, node),
    placeSection(page, node),
  ];
}

/** In a view with folded scopes, a box may stand for several nodes. */
function equalsNote(page, node) {
  const box = page.view.boxOf.get(node.number);
  if (!box || box.kind !== "node" || box.members.length < 2) return null;
  const others = box.members.map((number) => button(`%${number}`, () => page.chooseApart(number), { class: "chip", "aria-label": nameOf(page.graph.nodes[number]), title: nameOf(page.graph.nodes[number]) }));
  return element("div", { class: "note" }, element("p", {}, `Drawn once for ${box.members.length} equal nodes:`), element("p", { class: "chips" }, others));
}

function valueSection(page, node, taken) {
  if (node.attention && node.value !== undefined) return attentionSection(page, node, taken);
  return [
    section("Value", valueOf(page, node, taken)),
    section("Gradient", gradientOf(page, node, taken)),
  ];
}

function valueOf(page, node, taken) {
  if (node.value === undefined) return element("p", { class: "faint" }, "No values: the graph was recorded on shapes.");
  if (taken && node.computed >= taken) return element("p", { class: "faint" }, "Not computed yet at this step.");
  const numbers = numbersOf(page.graph, node.value), scale = valueScale(node, numbers);
  return [
    heatMap({ numbers, grid: node.grid, scale, width: MAP_WIDTH, label: `value of ${nameOf(node)}`, names: namesFor(page.graph, node) }),
    underMap(node, scale, numbers), statisticsOf(node.statistics),
  ];
}

/** Attention weights are shown on the scale from 0 to 1, unless all of them are tiny. */
function valueScale(node, numbers) {
  const scale = scaleFor([numbers]);
  const isWeights = node.op === "softmax" && !scale.signed && scale.limit >= 0.1 && scale.limit <= 1;
  return isWeights ? { limit: 1, signed: false } : scale;
}

function gradientOf(page, node, taken) {
  const sofar = taken && node.written.length ? gradientSoFar(page, node, taken) : null;
  if (sofar) return sofar;
  if (node.gradient === undefined) return element("p", { class: "faint" }, `None: ${reasonOf(page.graph, node)}`);
  const numbers = numbersOf(page.graph, node.gradient), scale = scaleFor([numbers], true);
  return [
    heatMap({ numbers, grid: node.grid, scale, width: MAP_WIDTH, label: `gradient of ${nameOf(node)}`, names: namesFor(page.graph, node) }),
    underMap(node, scale, numbers), statisticsOf(node.gradientStatistics),
    node.swept !== undefined && element("p", { class: "note" }, "It also holds what earlier calls of backward had added."),
  ];
}

function gradientSoFar(page, node, taken) {
  const { sum, count } = accumulated(page.graph, node, taken), all = node.written.length;
  if (count === all && node.gradient !== undefined) return null; // complete: shown with its statistics
  if (!sum) return element("p", { class: "faint" }, `Nothing has arrived yet at this step; ${countOf(all, "contribution")} will.`);
  const scale = scaleFor([sum], true);
  return [
    element("p", {}, `So far: ${count} of ${countOf(all, "contribution")}.`),
    heatMap({ numbers: sum, grid: node.grid, scale, width: MAP_WIDTH, label: `gradient of ${nameOf(node)} so far`, names: namesFor(page.graph, node) }),
    scaleBar(scale),
  ];
}

function reasonOf(graph, node) {
  const reason = node.absent ?? "not computed";
  if (reason !== "not computed") return `${reason}.`;
  if (graph.gradients === "graph") return "gradients are nodes of their own here, beside the forward pass.";
  return "not computed; call loss.backward(keep=True) before loss.graph().";
}

/** The colours of the map, and which elements it leaves out. */
function underMap(node, scale, numbers) {
  const [slices, rows, columns] = node.grid;
  const cut = [slices, rows, columns].filter(([, stride]) => stride > 1);
  const axes = [["slice", slices], ["row", rows], ["column", columns]].filter(([, [, stride]]) => stride > 1);
  return [
    numbers.length > 1 && scaleBar(scale),
    cut.length > 0 && element("p", { class: "faint small" },
      `Shown: ${axes.map(([noun, [size, stride]]) => `every ${ordinal(stride)} ${noun} of ${size}`).join(", ")}.`),
  ];
}

function ordinal(count) {
  const suffix = { 1: "st", 2: "nd", 3: "rd" }[count % 10] ?? "th";
  return `${count}${Math.floor(count / 10) % 10 === 1 ? "th" : suffix}`;
}

function statisticsOf(found) {
  if (!found) return null;
  const rows = ["min", "max", "mean", "norm"].filter((name) => name in found);
  const odd = [["NaN", found.nan], ["infinite", found.inf]].filter(([, count]) => count);
  const counts = found.histogram;
  return element("div", { class: "statistics" },
    element("dl", {},
      rows.map((name) => element("div", {}, element("dt", {}, name), element("dd", { title: String(found[name]) }, shown(numberOf(found[name]))))),
      odd.map(([name, count]) => element("div", { class: "odd" }, element("dt", {}, name), element("dd", {}, String(count))))),
    counts && histogram(counts, numberOf(found.min), numberOf(found.max)));
}

/** Texts of tokens for the axes that are as long as there are tokens. */
function namesFor(graph, node) {
  const [, [rows], [columns]] = node.grid, { tokens } = graph;
  if (!tokens.length || !(node.attention || ["weights", "scores"].includes(node.name))) return {};
  return { rows: rows === tokens.length && rows > 1 ? tokens : undefined, columns: columns === tokens.length ? tokens : undefined };
}

// --- attention ---

/** Queries by keys for each head, with the gradient beside it. */
function attentionSection(page, node, taken) {
  const { graph } = page;
  if (taken && node.computed >= taken) return section("Queries × keys", element("p", { class: "faint" }, "Not computed yet at this step."));
  const values = numbersOf(graph, node.value);
  const complete = node.gradient === undefined ? null : numbersOf(graph, node.gradient);
  const gradients = taken && node.written.length ? accumulated(graph, node, taken).sum : complete;
  const scale = valueScale(node, values), gradientScale = gradients && scaleFor([gradients], true);
  const [[slices, sliceStride], rows, columns] = node.grid, count = Math.ceil(slices / sliceStride);
  const size = values.length / (count || 1), names = namesFor(graph, node);
  const width = names.rows || names.columns ? 172 : 166;
  const heads = Array.from({ length: count }, (_, i) => {
    const title = headTitle(node, i * sliceStride), part = [i * size, (i + 1) * size];
    const map = (numbers, of, what) => heatMap({
      numbers: numbers.subarray(...part), grid: [[1, 1], rows, columns], scale: of, width, plain: true, names, label: `${what}, ${title}`,
    });
    return element("div", { class: "head-row" }, element("h4", {}, title),
      map(values, scale, node.name ?? "value"), gradients ? map(gradients, gradientScale, "gradient") : null);
  });
  return section("Queries × keys",
    element("div", { class: "head-row head-titles" },
      element("div", {}, element("b", {}, node.name ?? "value"), scaleBar(scale)),
      gradients
        ? element("div", {}, element("b", {}, "gradient"), scaleBar(gradientScale))
        : element("p", { class: "faint" }, node.written.length ? "gradient: nothing has arrived yet" : `gradient: none, ${reasonOf(graph, node)}`)),
    heads, underMap(node, scale, []),
    element("div", { class: "pair" }, statisticsOf({ ...node.statistics, histogram: undefined }),
      gradients === complete && statisticsOf({ ...node.gradientStatistics, histogram: undefined })));
}

function headTitle(node, index) {
  const lengths = node.shape.slice(1, -1).split(",").map(Number).slice(0, -2), place = [];
  if (!lengths.length) return "one head";
  for (let i = lengths.length - 1, left = index; i >= 0; i -= 1) {
    place.unshift(left % lengths[i]);
    left = Math.floor(left / lengths[i]);
  }
  return lengths.length === 1 ? `head ${index}` : lengths.length === 2 ? `sequence ${place[0]}, head ${place[1]}` : `[${place.join(", ")}]`;
}

// --- around the node ---

function inputsSection(page, node) {
  if (!node.inputs.length) return null;
  const { graph } = page;
  const rows = node.inputs.map((input) => element("li", {},
    element("span", { class: "argument" }, input.argument),
    input.node === undefined ? element("span", { class: "code" }, input.number) : nodeButton(page, graph.nodes[input.node]),
    input.broadcast && element("p", { class: "faint small" }, `broadcast ${input.broadcast}`),
    input.rule !== undefined && element("p", { class: "rule" }, element("span", { class: "faint" }, "gradient "), element("span", { class: "breakable" }, graph.rules[input.rule]))));
  const explained = node.inputs.some((input) => input.rule !== undefined);
  return section("Inputs", element("ul", { class: "uses" }, rows),
    explained && element("p", { class: "faint small" }, "In rules, g is the gradient of this node and y its value."),
    strongNote(...node.inputs.filter((input) => input.rule !== undefined).map((input) => graph.rules[input.rule])));
}

function usersSection(page, node) {
  const next = page.graph.updates.filter(([, value]) => value === node.number).map(([state]) => page.graph.nodes[state]);
  return [
    node.users.length > 0 && section("Used by", element("div", { class: "users" }, node.users.map((user) => nodeButton(page, user)))),
    next.length > 0 && section("Becomes the next value of", element("div", { class: "users" }, next.map((state) => nodeButton(page, state)))),
  ];
}

function keptSection(page, node) {
  if (!node.kept && !node.inputs.some((input) => input.rule !== undefined)) return null;
  const kept = node.kept ?? [];
  if (!kept.length) return section("Kept for backward", element("p", {}, "Nothing: no rule reads a value."));
  const total = kept.reduce((sum, [number]) => sum + page.graph.nodes[number].bytes, 0);
  return section("Kept for backward",
    element("ul", { class: "uses" }, kept.map(([number, letter]) => element("li", {},
      element("span", { class: "argument" }, letter),
      number === node.number ? element("span", {}, "the result itself") : nodeButton(page, page.graph.nodes[number]),
      element("span", { class: "faint small bytes" }, bytes(page.graph.nodes[number].bytes))))),
    kept.length > 1 && element("p", { class: "faint small" }, `${bytes(total)} in all`));
}

function placeSection(page, node) {
  const facts = [
    node.scope && ["scope", scopeButton(page, node.scope)],
    node.line && ["made at", element("span", { class: "code" }, node.line)],
    node.purpose && ["made for", element("span", { class: "code" }, node.purpose)],
    ["size", bytes(node.bytes)],
  ].filter(Boolean);
  return section("Where", element("dl", { class: "facts" }, facts.map(([term, fact]) => element("div", {}, element("dt", {}, term), element("dd", {}, fact)))));
}

function scopeButton(page, path) {
  return button(path, () => page.open(path), { class: "link breakable", title: "Open this scope" });
}

// --- a closed scope ---

function boxPanel(page, box) {
  const nodes = box.members.map((number) => page.graph.nodes[number]), inside = new Set(box.members);
  const counts = new Map();
  for (const node of nodes) counts.set(node.op ?? node.role, (counts.get(node.op ?? node.role) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1]);
  const sources = unique(nodes.flatMap((node) => node.inputs.map((input) => input.node)).filter((number) => number !== undefined && !inside.has(number)));
  const users = unique(nodes.flatMap((node) => node.users.map((user) => user.number)).filter((number) => !inside.has(number)));
  const parameters = nodes.filter((node) => node.role === "parameter");
  const list = (numbers) => element("div", { class: "users" }, numbers.slice(0, 24).map((number) => nodeButton(page, page.graph.nodes[number], nameOf(page.graph.nodes[number]))),
    numbers.length > 24 && element("p", { class: "faint small" }, `and ${numbers.length - 24} more`));
  const siblings = box.siblings ?? [];
  return [
    element("div", { class: "heading" },
      element("h2", { class: "breakable" }, box.title),
      element("p", { class: "tags" }, element("span", { class: "tag" }, box.kind === "scope" ? "closed scope" : "group"), countOf(nodes.length, "node"))),
    box.scope?.includes("/") && element("p", { class: "code breakable" }, [...box.scope.split("/").slice(0, -1), box.title].join("/")),
    siblings.length > 1
      ? element("div", { class: "note" }, element("p", {}, `${siblings.length} equal scopes, drawn once. Open one:`),
        element("p", { class: "chips" }, siblings.map((path) => button(path.split("/").at(-1), () => page.open(path), { class: "chip", "aria-label": `Open scope ${path}` }))))
      : box.kind === "scope" && button("Open", () => page.open(box.scope), { class: "primary" }),
    section("Inside",
      element("table", { class: "counts" }, common.slice(0, 14).map(([name, count]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, String(count))))),
      common.length > 14 && element("p", { class: "faint small" }, `and ${common.length - 14} more operations`),
      parameters.length > 0 && element("p", { class: "faint" }, `${countOf(parameters.length, "parameter")}, ${bytes(parameters.reduce((sum, node) => sum + node.bytes, 0))}`)),
    sources.length > 0 && section("Takes from", list(sources)),
    users.length > 0 && section("Used by", list(users)),
    box.kind === "group" && section("Nodes", list(box.members)),
  ];
}

function unique(numbers) {
  return [...new Set(numbers)];
}

// --- the graph ---

const ROLES = {
  input: "input", parameter: "parameter", state: "state", constant: "constant", random: "random draw", cotangent: "incoming gradient", op: "operation",
};

function graphPanel(page) {
  const { graph } = page, nodes = graph.nodes;
  const present = Object.keys(ROLES).filter((role) => nodes.some((node) => node.role === role));
  const parameters = nodes.filter((node) => node.role === "parameter");
  const odd = nodes.filter(badGradient);
  return [
    element("div", { class: "heading" },
      element("h2", {}, "About this graph"),
      element("p", { class: "faint" }, [
        countOf(nodes.length, "node"), countOf(nodes.filter((node) => node.op).length, "operation"),
        parameters.length ? `${countOf(parameters.length, "parameter")} (${bytes(parameters.reduce((sum, node) => sum + node.bytes, 0))})` : null,
      ].filter(Boolean).join(" · "))),
    element("p", {}, gradientSentence(graph)),
    odd.length > 0 && element("p", { class: "note bad-note" }, `${countOf(odd.length, "node")} with NaN or infinite numbers. `,
      button("List them", () => page.search("odd"), { class: "link" })),
    section("Outputs", element("div", { class: "users" }, graph.outputs.map((number) => nodeButton(page, nodes[number], nameOf(nodes[number]))))),
    section("Legend", legend(graph, present)),
    [...graph.notes, ...page.view.notes].length > 0 && section("Not shown", element("ul", { class: "notes" }, [...graph.notes, ...page.view.notes].map((note) => element("li", {}, note)))),
    graph.views.some((view) => view.key.startsWith("scope ")) && element("p", { class: "faint small" },
      "A scope that is opened is shown by itself, those beside it are closed; + and − above the drawing open and close all."),
    section("Keys", element("dl", { class: "keys" }, KEYS.map(([keys, what]) => element("div", {}, element("dt", {}, keys.map((key) => element("kbd", {}, key))), element("dd", {}, what))))),
  ];
}

const KEYS = [
  [["→", "←"], "one step forwards, backwards"],
  [["Home", "End"], "first, last step"],
  [["↓", "↑"], "next, previous box of the drawing"],
  [["Enter"], "select a box, open or close a scope"],
  [["/"], "search"],
  [["+", "−", "0"], "zoom in, out, fit"],
  [["Esc"], "select nothing"],
];

function gradientSentence(graph) {
  return {
    all: `Gradients: ${countOf(graph.steps.filter((step) => step.kind === "backward").length, "contribution")} of the backward pass, one step each.`,
    leaves: "Gradients: of leaves only. To step through the backward pass, call loss.backward(keep=True) before loss.graph().",
    graph: "Gradients are nodes of their own here. To step through a backward pass, call loss.backward(keep=True) and explore loss.graph().",
    none: "Gradients: not computed; call loss.backward(keep=True) before loss.graph().",
  }[graph.gradients];
}

function legend(graph, present) {
  const samples = present.map((role) => legendItem({ role, order: 0 }, ROLES[role]));
  if (graph.nodes.some((node) => node.output)) samples.push(legendItem({ role: "op", order: 0, output: true }, "output"));
  for (const order of [1, 2, 3]) {
    const names = ["", "gradient", "second derivative", "later derivative"];
    if (graph.nodes.some((node) => node.order === order && node.role === "op")) samples.push(legendItem({ role: "op", order }, names[order]));
  }
  const closed = graph.views.flatMap((view) => view.boxes.filter((box) => box.kind === "scope" || box.kind === "group"));
  if (closed.some((box) => box.kind === "scope")) samples.push(legendItem(null, "closed scope"));
  if (closed.some((box) => box.count > 1)) samples.push(legendItem(null, "equal scopes", { kind: "scope", count: 2 }));
  if (closed.some((box) => box.kind === "group")) samples.push(legendItem(null, "neighbours", { kind: "group" }));
  if (graph.gradients === "all") {
    samples.push(element("li", {}, vector("svg", { width: 34, height: 22, "aria-hidden": "true" }, vector("g", { class: "arrow flowed" },
      vector("path", { class: "flow", d: "M8 11H33" }), vector("path", { class: "flow-head", d: "M1 11L9 7.5V14.5Z" }))), "gradient flowed back; wider is larger"));
  }
  return element("ul", { class: "legend" }, samples);
}

function legendItem(node, label, box = { kind: "scope", count: 1 }) {
  return element("li", {}, vector("svg", { width: 34, height: 22, "aria-hidden": "true" },
    vector("g", { class: ["box", ...classesOf(box, node)].join(" ") }, outlineOf(box, node, 1, node ? 1 : 5, 32, node ? 20 : 16))), label);
}
